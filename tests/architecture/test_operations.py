"""Alarms, metrics and the operator's page say the same as the code."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.typed import parsed
from tests.fixtures.lanes import leave_out

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "steward.rules.yaml"
OPERATIONS = (DEPLOY / "operations.md").read_text()
_METRIC = re.compile(r"\bsteward_[a-z_]+\b")
_PARTS_OF_ONE = re.compile(r"_(bucket|sum|count|created)$")


def alarms() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def exported() -> set[str]:
    """The metrics of all processes, as Prometheus sees them."""
    for service in SERVICES:
        import_module(f"services.{service}.app")
        import_module(f"services.{service}.worker")
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if family.name.startswith("steward_")
    }


def test_every_metric_that_an_alarm_names_is_exported() -> None:
    named = {_PARTS_OF_ONE.sub("", name) for alarm in alarms() for name in _METRIC.findall(alarm["expr"])}

    assert named
    assert named <= exported()


def test_an_api_shows_no_metric_of_a_worker() -> None:
    # Or no worker would ever be missed: the API would show its log at position 0.
    apis = ", ".join(f"services.{service}.app" for service in SERVICES)
    told = f"import sys, {apis}; sys.exit('shared.messaging.metrics' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0


def test_every_metric_is_explained_to_operators_and_no_other() -> None:
    assert set(_METRIC.findall(OPERATIONS)) == exported()


@pytest.mark.parametrize("alarm", alarms(), ids=lambda alarm: str(alarm["alert"]))
def test_an_alarm_says_what_to_do(alarm: dict[str, Any]) -> None:
    assert alarm["annotations"]["runbook"] == f"deploy/operations.md#{alarm['alert'].lower()}"
    assert f"### {alarm['alert']}\n" in OPERATIONS
    assert alarm["labels"]["severity"] in {"page", "ticket"}


def typed() -> set[str]:
    """The commands of ours that the page names, with something in the place of what it leaves open."""
    found = re.findall(r"`steward ([^`]+)`|^steward (.+)$", OPERATIONS, re.MULTILINE)
    return {(within or alone).replace("SERVICE", "goals") for within, alone in found}


@pytest.mark.parametrize("line", sorted(typed()))
def test_a_command_on_the_page_is_one(line: str) -> None:
    parsed(line.split())


def test_each_alarm_rings_for_a_planted_fault() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "steward.rules.test.yaml").read_text())["tests"]
    rung = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each["exp_alerts"]}

    assert rung == {alarm["alert"] for alarm in alarms()}


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "steward.rules.yaml"), ("test", "rules", "steward.rules.test.yaml")]
)
def test_prometheus_takes_the_rules_and_finds_the_planted_faults(arguments: tuple[str, ...]) -> None:
    if (promtool := shutil.which("promtool")) is None:
        leave_out("The alarms are checked by Prometheus' promtool; on Debian: apt install prometheus")

    outcome = subprocess.run([promtool, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
