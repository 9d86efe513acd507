"""Ports of a Steward with several replicas."""

import pytest

from deploy.local.ports import MOST_REPLICAS, Ports


def test_no_two_processes_share_a_port_however_many_replicas_there_are() -> None:
    used = list(Ports(8100, replicas=MOST_REPLICAS).used(postgres=True, kafka=True))

    assert len({port for port, _ in used}) == len(used)
    assert max(port for port, _ in used) < 8150


def test_a_second_replica_has_ports_of_its_own_for_api_and_metrics() -> None:
    one, two = (dict(Ports(8100, replicas=count).used(postgres=False, kafka=False)) for count in (1, 2))

    assert set(two.values()) - set(one.values()) == {
        *("goals_2", "feedback_2", "reporting_2"),
        *(f"metrics of {service} 2" for service in ("goals", "feedback", "reporting")),
        *(f"metrics of {service} worker 2" for service in ("goals", "feedback", "reporting")),
    }


def test_more_replicas_than_ports_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 3 have ports"):
        Ports(8100, replicas=MOST_REPLICAS + 1)
