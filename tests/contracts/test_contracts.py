"""The contracts: released promises hold, each kind of breach is found, examples are valid."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from shared.contracts import __all__ as public_names
from shared.contracts import publishing, registry
from shared.contracts.compatibility import breaches
from shared.contracts.event import Event
from shared.contracts.examples import example_of
from shared.contracts.goals.measurements import EvaluationMade
from shared.contracts.publishing import SCHEMAS, BrokenPromise, schema_of

TOPICS = Path(__file__).parents[2] / "deploy" / "kafka" / "topics.yaml"
events = pytest.mark.parametrize("event", list(registry.all_events()), ids=lambda event: event.type)
Schema = dict[str, Any]


def released(event: type[Event], form: str) -> Any:
    """A committed file of a contract."""
    return json.loads((SCHEMAS / f"{event.type}.{form}.json").read_text())


class TestPromises:
    @events
    def test_released_promises_still_hold(self, event: type[Event]) -> None:
        assert breaches(released(event, "schema"), schema_of(event)) == []

    def test_the_committed_files_are_current(self) -> None:
        assert publishing.stale_files() == []

    @events
    def test_the_example_is_what_the_schema_promises(self, event: type[Event]) -> None:
        schema = released(event, "schema")
        jsonschema.Draft202012Validator.check_schema(schema)

        jsonschema.validate(released(event, "example"), schema, cls=jsonschema.Draft202012Validator)

    @events
    def test_the_class_reads_the_example_and_writes_it_again_alike(self, event: type[Event]) -> None:
        example = released(event, "example")

        assert event.model_validate(example).model_dump(mode="json") == example

    @events
    def test_the_schema_is_closed_but_a_consumer_is_tolerant(self, event: type[Event]) -> None:
        with_more = {**released(event, "example"), "declared_later": 1}

        event.model_validate(with_more)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(with_more, released(event, "schema"), cls=jsonschema.Draft202012Validator)

    @events
    def test_a_name_says_owner_thing_event_and_version(self, event: type[Event]) -> None:
        steward, owner, thing, happened, version = event.type.split(".")

        assert (steward, version) == ("steward", "v1")
        assert event.owner() == owner
        assert thing
        assert (happened == "changed") is (event.kind == "state")


def removed_nested_field(schema: Schema) -> None:
    """A part of the event loses a field."""
    del schema["$defs"]["EvaluatedPeriod"]["properties"]["status_rule"]
    schema["$defs"]["EvaluatedPeriod"]["required"].remove("status_rule")


def decimal_to_float(schema: Schema) -> None:
    """A decimal becomes a number."""
    schema["$defs"]["EvaluatedPeriod"]["properties"]["value"]["anyOf"][0] = {"type": "number"}


def integer_to_string(schema: Schema) -> None:
    """A count becomes text."""
    schema["$defs"]["EvaluatedPeriod"]["properties"]["reported"]["type"] = "string"


def narrowed_enum(schema: Schema) -> None:
    """A status disappears."""
    schema["$defs"]["EvaluatedPeriod"]["properties"]["status"]["enum"].remove("not_expected")


def widened_enum(schema: Schema) -> None:
    """A status appears that consumers do not know."""
    schema["$defs"]["EvaluatedPeriod"]["properties"]["status"]["enum"].append("unheard_of")


def newly_required(schema: Schema) -> None:
    """A field that could be missing must be there."""
    schema["$defs"]["EvaluatedPeriod"]["required"].append("target")


def no_longer_required(schema: Schema) -> None:
    """A field that was always there may be missing."""
    schema["required"].remove("inputs_version")


def new_required_field(schema: Schema) -> None:
    """A new field that must be there."""
    schema["properties"]["author"] = {"type": "string"}
    schema["required"].append("author")


def renamed_field(schema: Schema) -> None:
    """A field gets another name."""
    schema["properties"]["result"] = schema["properties"].pop("result_id")


def no_longer_null(schema: Schema) -> None:
    """A value that could be null may not be any more."""
    schema["properties"]["series_id"] = {"format": "uuid", "type": "string"}


def loosened_format(schema: Schema) -> None:
    """An id becomes any text."""
    del schema["properties"]["result_id"]["format"]


def opened(schema: Schema) -> None:
    """Fields that nobody has declared are let in."""
    schema["additionalProperties"] = True


BREACHES: list[Callable[[Schema], None]] = [
    removed_nested_field,
    decimal_to_float,
    integer_to_string,
    narrowed_enum,
    widened_enum,
    newly_required,
    no_longer_required,
    new_required_field,
    renamed_field,
    no_longer_null,
    loosened_format,
    opened,
]


class TestBreaches:
    @pytest.mark.parametrize("change", BREACHES, ids=lambda change: change.__name__)
    def test_each_kind_of_breach_is_found(self, change: Callable[[Schema], None]) -> None:
        before = schema_of(EvaluationMade)
        after = deepcopy(before)
        change(after)

        assert breaches(before, after) != []

    def test_a_new_optional_field_and_new_words_are_no_breach(self) -> None:
        before = schema_of(EvaluationMade)
        after = deepcopy(before)
        after["description"] = "Better words."
        after["$defs"]["EvaluatedPeriod"]["properties"]["note"] = {"type": "string", "default": ""}
        after["properties"]["title"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}

        assert breaches(before, after) == []

    def test_a_field_called_title_is_a_field_and_no_word(self) -> None:
        before = {"type": "object", "properties": {"title": {"type": "string"}}, "required": []}
        after = {"type": "object", "properties": {}, "required": []}

        assert breaches(before, after) == ["event.title: the field is gone"]


class TestWrite:
    @pytest.fixture
    def schemas(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder of released contracts to break."""
        monkeypatch.setattr(publishing, "SCHEMAS", tmp_path)
        publishing.write()
        return tmp_path

    def test_nothing_is_written_where_a_released_promise_would_be_broken(self, schemas: Path) -> None:
        path = schemas / f"{EvaluationMade.type}.schema.json"
        promised = json.loads(path.read_text())
        promised["properties"]["promised"] = {"type": "string"}
        path.write_text(json.dumps(promised))

        with pytest.raises(BrokenPromise, match="promised: the field is gone"):
            publishing.write()
        assert "promised" in path.read_text()

    def test_a_contract_may_not_disappear(self, schemas: Path) -> None:
        (schemas / "steward.goals.plan.changed.v1.schema.json").write_text("{}")

        with pytest.raises(BrokenPromise, match="the contract is gone"):
            publishing.write()

    def test_a_file_that_was_edited_is_out_of_date(self, schemas: Path) -> None:
        path = schemas / f"{EvaluationMade.type}.example.json"
        path.write_text("{}")

        assert publishing.stale_files() == [path]
        assert publishing.write() == [path]
        assert publishing.stale_files() == []


class TestRegistry:
    def test_every_topic_a_service_speaks_on_is_declared_with_its_owner_and_one_partition(self) -> None:
        declared = {topic["name"]: topic for topic in yaml.safe_load(TOPICS.read_text())}

        assert {event.topic(): event.owner() for event in registry.all_events()}.items() <= {
            name: topic["owner"] for name, topic in declared.items()
        }.items()
        assert {topic["owner"] for topic in declared.values()} == {"goals", "feedback", "reporting"}
        assert {topic["partitions"] for topic in declared.values()} == {1}
        assert {topic["config"]["cleanup.policy"] for topic in declared.values()} == {"delete"}

    def test_every_contract_is_a_public_name(self) -> None:
        assert {event.__name__ for event in registry.all_events()} <= set(public_names)

    @events
    def test_a_contract_is_frozen(self, event: type[Event]) -> None:
        example = example_of(event)

        with pytest.raises(ValidationError, match="frozen"):
            setattr(example, next(iter(event.model_fields)), None)
