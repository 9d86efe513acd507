"""Which port is whose, counted from a base, so that several Stewards fit on one machine."""

from collections.abc import Iterator, Mapping

from deploy.postgres.bootstrap import SERVICES

DEFAULT_BASE = 8100
_APIS = {service: number for number, service in enumerate(SERVICES, start=1)}
MOST_REPLICAS = 3


def replica(name: str, number: int) -> str:
    """The name of a process: the first of each keeps its plain name, the next is `goals_2`, `goals_worker_2`."""
    return name if number == 1 else f"{name}_{number}"


_METRICS = {
    replica(name, number): 31 + place + len(SERVICES) * 2 * (number - 1)
    for number in range(1, MOST_REPLICAS + 1)
    for place, name in enumerate(n for s in SERVICES for n in (s, f"{s}_worker"))
}


class Ports:
    """The ports of one Steward, all on 127.0.0.1."""

    def __init__(self, base: int = DEFAULT_BASE, *, replicas: int = 1) -> None:
        if not 1 <= replicas <= MOST_REPLICAS:
            raise ValueError(f"replicas is {replicas}; 1 to {MOST_REPLICAS} have ports.")
        self.base = base
        self.replicas = replicas
        self.issuer = base
        self.postgres = base + 10
        self.kafka = base + 20
        self.kafka_controller = base + 21

    def api(self, service: str, number: int = 1) -> int:
        """Where a service, or one of its further replicas, is served."""
        return self.base + _APIS[service] + len(SERVICES) * (number - 1)

    def metrics(self, process: str) -> int:
        """Where an API or a worker (`goals_worker`) shows its metrics."""
        return self.base + _METRICS[process]

    @property
    def urls(self) -> Mapping[str, str]:
        """The base URL of each service."""
        return self.urls_of(1)

    def urls_of(self, number: int) -> Mapping[str, str]:
        """The base URL of one replica of each service."""
        return {service: f"http://127.0.0.1:{self.api(service, number)}" for service in SERVICES}

    def used(self, *, postgres: bool, kafka: bool) -> Iterator[tuple[int, str]]:
        """Each port with what it is for."""
        yield self.issuer, "issuer of tokens"
        numbers = range(1, self.replicas + 1)
        for number in numbers:
            for service in SERVICES:
                yield self.api(service, number), replica(service, number)
        if postgres:
            yield self.postgres, "PostgreSQL"
        if kafka:
            yield self.kafka, "Kafka"
            yield self.kafka_controller, "Kafka's controller"
        for number in numbers:
            for service in SERVICES:
                for process in (replica(service, number), replica(f"{service}_worker", number)):
                    yield self.metrics(process), f"metrics of {process.replace('_', ' ')}"
