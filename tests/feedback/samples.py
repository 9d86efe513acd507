"""A small body as goals would tell of it, a survey, and answers to it."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.consumers import HANDLERS
from shared.contracts import BodyChanged, Event, IndicatorChanged, Ratio, UnitChanged
from shared.ids import new_id
from shared.messaging.handlers import Received

E = TypeVar("E", bound=Event)
ZONE = ZoneInfo("Europe/London")
BODY, ROOT, REGION, TRUST, OTHER = (UUID(int=number) for number in range(1, 6))
EXPERIENCE, WAITING = UUID(int=11), UUID(int=12)

SURVEY: dict[str, Any] = {"title": {"en": "A&E experience"}, "unit": "RF4", "notice": {"en": "Simulated answers"}}
SCORES = {"very_good": "5", "good": "4", "neither": "3", "poor": "2", "very_poor": "1", "dont_know": None}
OVERALL: dict[str, Any] = {
    "id": "overall",
    "kind": "single_choice",
    "text": {"en": "Overall, how was our service?", "cy": "Sut oedd ein gwasanaeth?"},
    "required": True,
    "indicator": "experience",
    "options": [
        {"id": id_, "text": {"en": id_.replace("_", " "), "cy": f"{id_} (cy)"}, "score": score}
        for id_, score in SCORES.items()
    ],
}
HOURS: dict[str, Any] = {
    "id": "hours",
    "kind": "number",
    "text": {"en": "How many hours?", "cy": "Sawl awr?"},
    "min": "0",
    "max": "72",
}
IMPROVE: dict[str, Any] = {
    "id": "improve",
    "kind": "text",
    "text": {"en": "What could be better?", "cy": "Beth allai fod yn well?"},
    "max_length": 100,
}
QUESTIONS = [OVERALL, HOURS, IMPROVE]


def received(data: E, *, subject: UUID, version: int = 1) -> Received[E]:
    """An event as a consumer hands it over."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Received(
        data=data,
        id=new_id(),
        subject=subject,
        subject_version=version,
        time=at,
        recorded_at=at,
        log_id=UUID(int=99),
        position=version,
        actor=None,
        causation_depth=0,
    )


def unit_changed(id_: UUID, code: str, parent_id: UUID | None, *, version: int = 1, name: str = "") -> Received[Any]:
    """A unit as goals tells of it."""
    data = UnitChanged(
        unit_id=id_,
        code=code,
        name={"en": name or code},
        parent_id=parent_id,
        level="organisation",
        valid_from=date(2016, 4, 1),
        valid_to=None,
    )
    return received(data, subject=id_, version=version)


def indicator_changed(
    id_: UUID, code: str, *, version: int = 1, is_ratio: bool = True, frequency: Literal["month", "year"] = "month"
) -> Received[IndicatorChanged]:
    """An indicator as goals tells of it."""
    data = IndicatorChanged(
        indicator_id=id_,
        code=code,
        name={"en": code},
        definition={"en": code},
        direction="increase",
        unit_of_measure={"en": "score"},
        decimals=2,
        ratio=Ratio(numerator={"en": "sum"}, denominator={"en": "count"}, factor=Decimal(1)) if is_ratio else None,
        aggregation_over_time="pooled_ratio" if is_ratio else "sum",
        aggregation_over_units="pooled_ratio" if is_ratio else "sum",
        disclosure_class="open",
        calendar_id=UUID(int=21),
        frequency=frequency,
    )
    return received(data, subject=id_, version=version)


async def hear(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
    """Let the directory apply a run of events of one type."""
    await HANDLERS[type(events[0].data)](session, events)


async def seed(session: AsyncSession) -> None:
    """What goals would have told, through the handlers that would have heard it."""
    body = BodyChanged(
        body_id=BODY,
        slug="nhs",
        name={"en": "NHS"},
        default_language="en",
        time_zone=ZONE.key,
        root_unit_id=ROOT,
    )
    units: Sequence[Received[UnitChanged]] = [
        unit_changed(ROOT, "nhs", None),
        unit_changed(REGION, "north", ROOT),
        unit_changed(TRUST, "RF4", REGION),
        unit_changed(OTHER, "RJ1", ROOT),
    ]
    await hear(session, [received(body, subject=BODY)])
    await hear(session, units)
    await hear(
        session,
        [
            indicator_changed(EXPERIENCE, "experience"),
            indicator_changed(WAITING, "waiting"),
            indicator_changed(UUID(int=33), "visits", is_ratio=False),
            indicator_changed(UUID(int=34), "yearly", frequency="year"),
        ],
    )


def response(overall: str = "good", /, *, id_: UUID | None = None, **changes: Any) -> dict[str, Any]:
    """A response as a phone would post it."""
    return {
        "id": str(id_ or uuid4()),
        "version": 1,
        "language": "en",
        "answers": {"overall": overall},
        **changes,
    }


def responses(count: int, seed_: int = 1) -> list[dict[str, Any]]:
    """So many different responses, the same each time."""
    dice = random.Random(seed_)  # noqa: S311 - not a secret
    return [response(dice.choice(list(SCORES)), id_=UUID(int=dice.getrandbits(128), version=4)) for _ in range(count)]
