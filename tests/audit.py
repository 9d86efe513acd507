"""Looks up every pinned package in a vulnerability service, and says plainly where none could be asked."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SERVICES = ("osv", "pypi")
Package = dict[str, Any]


def asked(lock: Path, service: str) -> list[Package]:
    """What a service knows of each package of a lock; nothing where it cannot be reached."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--requirement", str(lock), "--require-hashes"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command += ["--timeout", "10", "--vulnerability-service", service]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    try:
        found: list[Package] = json.loads(run.stdout)["dependencies"]
    except ValueError:
        return []
    return found


def told(packages: Sequence[Package]) -> tuple[list[str], bool]:
    """What to print of the packages, and whether it is good news."""
    looked_up = [each for each in packages if "skip_reason" not in each]
    if not looked_up:
        return ["NOT AUDITED: no vulnerability service could be asked about any package; run this where one can."], True
    lines = [
        f"{each['name']} {each['version']}: {bad['id']}, mended in {', '.join(bad['fix_versions']) or 'no version yet'}"
        for each in looked_up
        for bad in each["vulns"]
    ]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    notes = [f"NOT AUDITED: {', '.join(unknown)}: the service knows nothing of them."] if unknown else []
    return [*lines, *notes, f"{len(looked_up)} packages looked up, {len(lines)} vulnerabilities known."], not lines


def main(lock: Path) -> int:
    """The first service that knows any of the packages is asked about all."""
    packages: list[Package] = []
    for service in SERVICES:
        packages = asked(lock, service)
        if any("skip_reason" not in each for each in packages):
            break
    lines, good = told(packages)
    print("\n".join(lines))  # noqa: T201 - a command of make
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
