"""What is deployed agrees with what the code says."""

from pathlib import Path

import yaml

from shared.contracts import registry

TOPICS = Path(__file__).parents[2] / "deploy" / "kafka" / "topics.yaml"


def test_each_topic_a_service_speaks_on_is_created_at_deploy() -> None:
    deployed = {topic["name"]: topic["owner"] for topic in yaml.safe_load(TOPICS.read_text())}

    assert deployed.items() >= {event.topic(): event.owner() for event in registry.all_events()}.items()


def test_each_topic_has_one_partition_since_a_log_has_one_order() -> None:
    assert {topic["partitions"] for topic in yaml.safe_load(TOPICS.read_text())} == {1}
