"""What a service loads to start: nothing that only an export, a test or another service needs."""

import subprocess
import sys

import pytest

from deploy.postgres.bootstrap import SERVICES

HEAVY = {"numpy", "scipy", "sklearn", "pyarrow", "openpyxl", "weasyprint", "pandas", "duckdb"}
PRINT_MODULES = "import sys; {}; print(*{{name.partition('.')[0] for name in sys.modules}})"


def modules_after(statement: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES.format(statement)], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_heavy_libraries(service: str) -> None:
    assert modules_after(f"import services.{service}.app") & HEAVY == set()


def test_a_heavy_library_on_the_way_is_found() -> None:
    assert modules_after("import pandas") & HEAVY == {"numpy", "pandas"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_loads_no_other_service(service: str) -> None:
    others = " ".join(other for other in SERVICES if other != service)
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, services.{service}.app; print([name for name in sys.modules for other in '{others}'.split()"
            " if name.startswith(f'services.{other}')])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == "[]"
