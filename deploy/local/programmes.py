"""The processes of Steward itself on one machine: issuer, APIs and workers, and the environment each is given."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from deploy.local import issuer
from deploy.local.places import CHECKOUT
from deploy.local.ports import Ports, replica
from deploy.local.processes import Programme, answers, listens
from deploy.local.roles import all_roles, roles_of, roles_of_people

UNITS = {"data_provider": "RF4"}
"""The unit of the demo's record for which the sign-in address of a role is; the whole body for the others."""
RATES = {"reads": "600000/minute", "writes": "600000/minute", "public_posts": "600000/minute", "feed": "600000/minute"}
"""Beyond what this machine can serve: here every caller has one address, whoever loads, measures or follows."""
TOKENS_LAST = timedelta(days=30)
"""As long as a demo may be left running; its keys never leave this machine."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What all processes of one Steward share."""

    ports: Ports
    directory: Path
    events: str
    """`feed`, or `kafka://host:port`, as STEWARD_EVENTS has it."""
    body: str
    database_urls: Mapping[str, str]

    @property
    def _issuer_directory(self) -> Path:
        return issuer.issuer_directory(self.directory)

    @property
    def issuer_url(self) -> str:
        """The issuer of this machine's tokens."""
        return f"http://127.0.0.1:{self.ports.issuer}"

    def tokens(self) -> dict[str, str]:
        """A token for every role that opens a route, each for the whole body."""
        return {role: issuer.sign(self._issuer_directory, role, lifetime=TOKENS_LAST) for role in all_roles()}

    def sign_in(self) -> dict[str, str]:
        """For every role of people an address that signs in with it, at the service in which it has most to do."""
        return {role: self._sign_in(role) for role in roles_of_people()}

    def _sign_in(self, role: str) -> str:
        service = "goals" if "measurements:record" in roles_of("goals").get(role, ()) else "reporting"
        hint = issuer.as_held(role, UNITS.get(role))
        return f"{self.ports.urls[service]}/sign-in?{urlencode({'login_hint': hint})}"

    def issuer(self) -> Programme:
        """The issuer of tokens."""
        issuer.prepare(self._issuer_directory, self.ports.issuer)
        options = ["--port", str(self.ports.issuer), "--directory", str(self._issuer_directory)]
        options += [f"--service={service}={url}" for service, url in self.ports.urls.items()]
        return self._python(
            "issuer",
            ["deploy.local.issuer_app", *options],
            probe=(self.ports.issuer, "/jwks.json"),
            environment={"STEWARD_ENV": "local"},
        )

    def api(self, service: str, number: int = 1) -> Programme:
        """`steward serve`: the API and pages of one service, or a further replica of them."""
        name, port = replica(service, number), self.ports.api(service, number)
        return self._python(
            name,
            ["deploy.cli.main", "serve", service, "--port", str(port)],
            probe=(port, "/readyz"),
            environment=self._environment(service, name, number),
        )

    def worker(self, service: str, number: int = 1) -> Programme:
        """`steward worker`: one service's work that nobody waits for, or a further replica of it."""
        name = replica(f"{service}_worker", number)
        return self._python(
            name,
            ["deploy.cli.main", "worker", service],
            probe=(self.ports.metrics(name), None),
            # A worker that comes back under the same name takes its place on Kafka again at once.
            environment={**self._environment(service, name, number), "STEWARD_KAFKA_MEMBER": name},
        )

    def _environment(self, service: str, process: str, number: int) -> dict[str, str]:
        secret = issuer.client_secrets(self._issuer_directory)[service]
        return {
            "STEWARD_ENV": "local",
            "STEWARD_BODY": self.body,
            "STEWARD_EVENTS": self.events,
            "STEWARD_FEEDS": json.dumps(dict(self.ports.urls_of(number))),
            "STEWARD_LINKS": json.dumps(dict(self.ports.urls)),
            "STEWARD_ISSUERS": json.dumps([issuer.settings_for(self.issuer_url, all_roles()).model_dump()]),
            "STEWARD_TOKEN_URL": f"{self.issuer_url}/token",
            "STEWARD_CLIENT_ID": service,
            "STEWARD_CLIENT_SECRET": secret,
            "STEWARD_SIGN_IN": json.dumps(issuer.sign_in_settings(self.issuer_url, service, secret)),
            "STEWARD_METRICS_PORT": str(self.ports.metrics(process)),
            "STEWARD_RATES": json.dumps(RATES),
            "STEWARD_CLOCK_FILE": str(self.directory / "clock"),
            f"{service.upper()}_DATABASE_URL": self.database_urls[service],
        }

    def _python(
        self, name: str, arguments: list[str], *, probe: tuple[int, str | None], environment: Mapping[str, str]
    ) -> Programme:
        port, path = probe
        return Programme(
            name=name,
            command=[sys.executable, "-m", *arguments],
            ready=lambda: answers(port, path) if path else listens(port),
            log=self.directory / "logs" / f"{name}.log",
            environment=environment,
            directory=CHECKOUT,
        )
