"""The AsyncAPI documents: valid, complete, and true of what is on the wire."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx
import jsonschema
import pytest

from deploy.cli.openapi import application_of
from deploy.postgres.bootstrap import SERVICES
from shared.contracts import BodyChanged, MeasurementRecorded, UnitChanged, asyncapi, registry
from shared.contracts.asyncapi import document_of
from shared.contracts.event import Event, Part
from shared.contracts.examples import example_of
from shared.contracts.publishing import SCHEMAS
from shared.ids import new_id
from shared.messaging.chain import GENESIS
from shared.messaging.envelope import structured
from shared.messaging.log import LoggedEvent

SPECIFICATION = Path(__file__).parent / "data" / "asyncapi-3.0.0.schema.json"
events = pytest.mark.parametrize("event", list(registry.all_events()), ids=lambda event: event.type)


def on_the_wire(event: type[Event], **changed: Any) -> dict[str, Any]:
    """An event as feed and topic carry it."""
    now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    logged = LoggedEvent(
        position=7,
        log_id=new_id(),
        id=new_id(),
        type=event.type,
        subject=new_id(),
        subject_version=1,
        time=now,
        recorded_at=now,
        data=example_of(event).model_dump_json(),
        actor=None,
        salt=None,
        data_digest=GENESIS,
        actor_digest=GENESIS,
        causation_id=None,
        causation_depth=0,
        traceparent=None,
        hash_version=1,
        previous=GENESIS,
        hash=GENESIS,
    )
    document: dict[str, Any] = json.loads(structured(logged, f"/steward/body/{event.owner()}"))
    return document | changed


def check(event: type[Event], message: dict[str, Any]) -> None:
    """Validate a message as a reader of the document would."""
    document = document_of(event.owner())
    payload = document["components"]["messages"][event.type]["payload"]
    jsonschema.Draft7Validator({**payload, "components": document["components"]}).validate(message)


@pytest.mark.parametrize("service", SERVICES)
class TestDocument:
    def test_it_is_valid_asyncapi_3(self, service: str) -> None:
        specification = json.loads(SPECIFICATION.read_text())

        jsonschema.Draft7Validator(specification).validate(document_of(service))

    def test_every_event_of_the_service_is_in_it_and_no_other(self, service: str) -> None:
        document = document_of(service)
        told = {event.type for event in registry.all_events() if event.owner() == service}

        assert document["components"]["messages"].keys() == told
        assert document["channels"]["topic"]["messages"].keys() == told
        assert len(document["operations"]["tell"]["messages"]) == len(told)

    def test_every_reference_leads_somewhere(self, service: str) -> None:
        document = document_of(service)
        references = [ref for ref in references_in(document) if not ref.startswith("#/channels/topic/messages/")]

        assert references
        for reference in references:
            found: Any = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]

    async def test_the_service_serves_to_everybody_what_is_committed(self, service: str) -> None:
        transport = httpx.ASGITransport(app=application_of(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://steward.test") as client:
            answer = await client.get("/asyncapi.json")

        assert answer.status_code == 200
        assert answer.json() == json.loads((SCHEMAS / f"{service}.asyncapi.json").read_text())


def references_in(value: Any) -> list[str]:
    """Every $ref inside."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for each in value.values() for ref in references_in(each)]
    return [ref for each in value for ref in references_in(each)] if isinstance(value, list) else []


class TestMessages:
    @events
    def test_what_is_on_the_wire_is_what_the_document_says(self, event: type[Event]) -> None:
        check(event, on_the_wire(event))

    @pytest.mark.parametrize("wrong", [{"position": 7}, {"type": BodyChanged.type}, {"hash": "none"}, {"data": {}}])
    def test_what_is_not_so_is_found(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(jsonschema.ValidationError):
            check(UnitChanged, on_the_wire(UnitChanged, **wrong))

    def test_two_different_parts_of_one_name_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def of_another_indicator() -> type[Part]:
            class SeriesKey(Part):
                colour: str

            return SeriesKey

        class ColourSeen(Event):
            type: ClassVar[str] = "steward.goals.colour.seen.v1"
            kind: ClassVar[Literal["state", "fact"]] = "fact"
            series: of_another_indicator()  # type: ignore[valid-type]  # a class of the same name

        monkeypatch.setattr(registry, "all_events", lambda: iter([MeasurementRecorded, ColourSeen]))
        monkeypatch.setattr(asyncapi, "example_of", lambda event: example_of(MeasurementRecorded))

        with pytest.raises(ValueError, match="SeriesKey"):
            document_of("goals")
