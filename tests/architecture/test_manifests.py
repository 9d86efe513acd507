"""What is deployed is well formed, asks for no right that it does not need, and sets what the code reads."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from opentelemetry.sdk import environment_variables as opentelemetry
from pydantic_settings import BaseSettings
from typer.exceptions import TyperException

from deploy.cli.bootstrap import BootstrapSettings
from deploy.cli.options import AdministratorSettings
from deploy.postgres.bootstrap import SERVICES
from shared.messaging.anchors import AnchorSettings
from shared.messaging.kafka import KafkaSettings
from shared.settings import ServiceSettings
from shared.tracing import TracingSettings
from tests.architecture.typed import parsed

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VERSION = "1.33"
REQUIRED = {
    "STEWARD_BODY",
    "STEWARD_TLS",
    "STEWARD_TRUSTED_PROXIES",
    "STEWARD_EVENTS",
    "STEWARD_FEEDS",
    "STEWARD_LINKS",
    "STEWARD_ISSUERS",
    "STEWARD_SIGN_IN",
    "STEWARD_TOKEN_URL",
    "STEWARD_CLIENT_ID",
    "STEWARD_CLIENT_SECRET",
    "STEWARD_KAFKA_SECURITY_PROTOCOL",
    "STEWARD_KAFKA_CA_FILE",
    "STEWARD_KAFKA_USERNAME",
    "STEWARD_KAFKA_PASSWORD",
    "STEWARD_METRICS_PORT",
}
"""Without these a service of a cluster does not start, knows nobody or is not seen."""


def documents(file: Path) -> Iterator[dict[str, Any]]:
    """The manifests in a file."""
    yield from (document for document in yaml.safe_load_all(file.read_text()) if document)


def variables(settings: type[BaseSettings]) -> set[str]:
    """The environment variables that settings read."""
    prefix = settings.model_config.get("env_prefix", "")
    return {str(field.validation_alias or f"{prefix}{name}").upper() for name, field in settings.model_fields.items()}


def known() -> set[str]:
    """Every variable that some process reads."""
    services: list[type[ServiceSettings]] = [
        getattr(import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings")
        for service in SERVICES
    ]
    read: list[type[BaseSettings]] = [*services, KafkaSettings, AnchorSettings, TracingSettings]
    read += [AdministratorSettings, BootstrapSettings]
    of_opentelemetry = {name for name in vars(opentelemetry) if name.startswith("OTEL_")}
    return {variable for settings in read for variable in variables(settings)} | of_opentelemetry


WRITTEN = [
    pytest.param(document, id=f"{file.relative_to(KUBERNETES)}: {document['kind']}")
    for file in sorted(KUBERNETES.rglob("*.yaml"))
    if file.name != "kustomization.yaml"
    for document in documents(file)
]
SECRETS = {each["metadata"]["name"]: each["stringData"] for each in documents(KUBERNETES / "secrets.example.yaml")}
SETTINGS = dict(line.split("=", 1) for line in (KUBERNETES / "settings.env").read_text().splitlines())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def pods(manifests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The pods that manifests describe."""
    for each in manifests:
        if each["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield each["spec"]["template"]["spec"]


class TestKubernetes:
    @pytest.mark.parametrize("document", WRITTEN)
    def test_a_manifest_fits_the_schema_of_its_kind(self, document: dict[str, Any]) -> None:
        kubernetes_validate.validate(document, VERSION, strict=True)

    def test_a_misspelt_field_is_found(self) -> None:
        wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": 1}}

        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, VERSION, strict=True)

    def test_every_pod_runs_as_nobody_on_a_root_it_cannot_change_within_limits(self) -> None:
        found = list(pods([param.values[0] for param in WRITTEN]))  # type: ignore[misc]  # each is a manifest
        assert len(found) == 3
        for pod in found:
            (container,) = pod["containers"]
            assert pod["securityContext"]["runAsNonRoot"]
            assert pod["automountServiceAccountToken"] is False
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]

    @pytest.mark.parametrize("service", SERVICES)
    def test_every_variable_is_a_setting_and_none_that_is_needed_is_missing(self, service: str) -> None:
        given = SETTINGS.keys() | SECRETS[f"steward-{service}"].keys()

        assert given <= known()
        assert given >= REQUIRED | {f"{service.upper()}_DATABASE_URL"}

    def test_a_service_answers_to_the_names_by_which_it_is_known(self) -> None:
        addresses = [url for name in ("STEWARD_FEEDS", "STEWARD_LINKS") for url in json.loads(SETTINGS[name]).values()]

        assert {urlsplit(url).hostname for url in addresses} == set(json.loads(SETTINGS["STEWARD_HOSTS"]))

    def test_a_pod_is_asked_whether_it_lives_and_whether_it_is_ready(self) -> None:
        asked = {
            (container["name"], kind, probe["httpGet"]["path"], probe["httpGet"]["port"])
            for pod in pods([param.values[0] for param in WRITTEN])  # type: ignore[misc]  # each is a manifest
            for container in pod["containers"]
            for kind, probe in container.items()
            if kind.endswith("Probe")
        }

        assert asked == {
            (name, kind, path, port)
            for name, port in (("api", "http"), ("worker", "metrics"))
            for kind, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz"))
        }

    def test_every_secret_that_a_pod_mounts_is_in_the_example(self) -> None:
        mounted = {
            volume["secret"]["secretName"]
            for pod in pods([param.values[0] for param in WRITTEN])  # type: ignore[misc]  # each is a manifest
            for volume in pod["volumes"]
            if "secret" in volume
        }

        assert mounted == {"steward-trusted", "steward-anchor"}
        assert mounted <= SECRETS.keys()
        assert Path(SETTINGS["STEWARD_ANCHOR_KEY_FILE"]).name in SECRETS["steward-anchor"]

    def test_the_settings_start_a_service(self) -> None:
        for service in SERVICES:
            kind = getattr(import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings")
            given = {**SETTINGS, **SECRETS[f"steward-{service}"]}
            as_read = {
                key.removeprefix("STEWARD_").lower() if key.startswith("STEWARD_") else key: v
                for key, v in given.items()
            }
            made = kind.model_validate(
                {k: yaml.safe_load(v) if v.startswith(("{", "[")) else v for k, v in as_read.items()}
            )
            made.refuse_unsafe(serves=True)

    def test_databases_are_reached_over_tls_that_is_verified(self) -> None:
        urls = [value for keys in SECRETS.values() for name, value in keys.items() if name.endswith("DATABASE_URL")]

        assert len(urls) == 4
        assert all("sslmode=verify-full" in url for url in urls)

    def test_put_together_it_is_one_api_and_one_worker_a_service(self) -> None:
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            pytest.skip("Manifests are put together by kubectl, 1.27 or newer, which Debian does not have.")
        outcome = subprocess.run([kubectl, "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        made = [document for document in yaml.safe_load_all(outcome.stdout) if document]

        for document in made:
            kubernetes_validate.validate(document, VERSION, strict=True)
        started = {tuple(pod["containers"][0]["args"][:2]) for pod in pods(made)}
        assert started == {("migrate",), *((what, service) for what in ("serve", "worker") for service in SERVICES)}
        for pod in pods(made):
            referred = {
                each["secretRef"]["name"] for each in pod["containers"][0].get("envFrom", ()) if "secretRef" in each
            }
            assert referred <= SECRETS.keys()
        kept = {(each["kind"], each["metadata"]["name"]) for each in made}
        for service in SERVICES:
            assert {("PodDisruptionBudget", f"{service}-api"), ("PodDisruptionBudget", f"{service}-worker")} <= kept
        # Workers follow the feeds of the other services: no rule may let in those of one service alone.
        let_in = [
            peer["podSelector"]["matchLabels"]
            for each in made
            if each["kind"] == "NetworkPolicy"
            for rule in each["spec"]["ingress"]
            for peer in rule["from"]
            if "podSelector" in peer
        ]
        assert let_in == [{"app.kubernetes.io/part-of": "steward", "app.kubernetes.io/component": "worker"}]


class TestCompose:
    def test_it_is_well_formed(self) -> None:
        # As compose reads it: variables first, then anchors and merges.
        filled = re.sub(r"\$\{\w+:(?:-([^}]*)|\?)\}", r"\1", (DEPLOY / "compose.yaml").read_text())

        PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(filled))).validate()

    def test_a_misspelt_field_is_found(self) -> None:
        with pytest.raises(ValueError, match="comand"):
            PyCompose.from_yaml(yaml.safe_dump({"services": {"goals": {"image": "x", "comand": ["serve"]}}}))

    def test_every_variable_is_a_setting_and_none_that_is_needed_is_missing(self) -> None:
        ours = {name: each for name, each in COMPOSE.items() if name != "postgres"}
        for each in ours.values():
            assert set(each["environment"]) <= known()
        for service in SERVICES:
            for name in (service, f"{service}-worker"):
                assert set(ours[name]["environment"]) >= REQUIRED | {f"{service.upper()}_DATABASE_URL"}

    @pytest.mark.parametrize("service", SERVICES)
    def test_whatever_operators_are_told_of_can_be_set(self, service: str) -> None:
        table = re.findall(r"^\| (`STEWARD_.+?) \|", (DEPLOY / "operations.md").read_text(), re.MULTILINE)
        told = {name for row in table for name in re.findall(r"STEWARD_[A-Z_]+", row)}

        assert len(told) > 20
        assert told <= COMPOSE[f"{service}-worker"]["environment"].keys()

    def test_it_runs_what_the_command_knows(self) -> None:
        started = {tuple(each["command"][:2]) for name, each in COMPOSE.items() if name != "postgres"}

        assert started == {("bootstrap",), *((what, service) for what in ("serve", "worker") for service in SERVICES)}

    def test_nothing_of_ours_can_change_its_root_or_gain_rights(self) -> None:
        for name, each in COMPOSE.items():
            if name != "postgres":
                assert each["read_only"]
                assert each["cap_drop"] == ["ALL"]


class TestStarted:
    IN_PODS = frozenset(
        tuple(service if each == "SERVICE" else each for each in pod["containers"][0]["args"])
        for pod in pods([param.values[0] for param in WRITTEN])  # type: ignore[misc]  # each is a manifest
        for service in SERVICES
    )
    BY_COMPOSE = frozenset(tuple(each["command"]) for name, each in COMPOSE.items() if name != "postgres")

    @pytest.mark.parametrize("arguments", sorted(IN_PODS | BY_COMPOSE), ids=" ".join)
    def test_the_command_takes_what_a_container_is_started_with(self, arguments: tuple[str, ...]) -> None:
        parsed([*arguments])

    @pytest.mark.parametrize("arguments", [["server", "goals"], ["serve", "gaols"], ["worker", "goals", "--hots", "x"]])
    def test_what_it_does_not_know_is_found(self, arguments: list[str]) -> None:
        with pytest.raises(TyperException):
            parsed(arguments)


class TestImage:
    def test_the_linter_finds_nothing(self) -> None:
        hadolint = Path(sys.executable).with_name("hadolint")

        outcome = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)

        assert (outcome.returncode, outcome.stdout) == (0, "")

    def test_everything_it_copies_is_there_and_let_through(self) -> None:
        file = (DEPLOY / "Dockerfile").read_text()
        copied = {
            name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", file, re.MULTILINE) for name in line.split()
        }
        let_through = set(re.findall(r"^!(\S+)$", (DEPLOY.parent / ".dockerignore").read_text(), re.MULTILINE))

        assert copied == let_through
        assert all((DEPLOY.parent / name).exists() for name in copied)

    def test_it_does_not_run_as_root_and_takes_only_what_the_lock_names(self) -> None:
        file = (DEPLOY / "Dockerfile").read_text()

        assert re.search(r"^USER 10001:10001$", file, re.MULTILINE)
        assert "--require-hashes" in file

    def test_with_tracing_it_is_the_same_but_for_what_sends_spans(self) -> None:
        plain, traced = (
            set(re.findall(r"^(\S+==\S+)", (DEPLOY.parent / f"requirements{kind}.lock").read_text(), re.MULTILINE))
            for kind in ("", "-tracing")
        )

        assert plain < traced
        assert {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"} <= {
            name.partition("==")[0] for name in traced - plain
        }
