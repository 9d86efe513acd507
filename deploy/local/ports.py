"""Which port is whose, counted from a base, so that several Stewards fit on one machine."""

from collections.abc import Iterator, Mapping

from deploy.postgres.bootstrap import SERVICES

DEFAULT_BASE = 8100
_APIS = {service: number for number, service in enumerate(SERVICES, start=1)}
_METRICS = {name: 31 + number for number, name in enumerate(n for s in SERVICES for n in (s, f"{s}_worker"))}


class Ports:
    """The ports of one Steward, all on 127.0.0.1."""

    def __init__(self, base: int = DEFAULT_BASE) -> None:
        self.base = base
        self.issuer = base
        self.postgres = base + 10
        self.kafka = base + 20
        self.kafka_controller = base + 21

    def api(self, service: str) -> int:
        """Where a service is served."""
        return self.base + _APIS[service]

    def metrics(self, process: str) -> int:
        """Where an API or a worker (`goals_worker`) shows its metrics."""
        return self.base + _METRICS[process]

    @property
    def urls(self) -> Mapping[str, str]:
        """The base URL of each service."""
        return {service: f"http://127.0.0.1:{self.api(service)}" for service in SERVICES}

    def used(self, *, postgres: bool, kafka: bool) -> Iterator[tuple[int, str]]:
        """Each port with what it is for."""
        yield self.issuer, "issuer of tokens"
        for service in SERVICES:
            yield self.api(service), service
        if postgres:
            yield self.postgres, "PostgreSQL"
        if kafka:
            yield self.kafka, "Kafka"
            yield self.kafka_controller, "Kafka's controller"
        for process in _METRICS:
            yield self.metrics(process), f"metrics of {process.replace('_', ' ')}"
