"""Histories that hypothesis makes up: events in the order of their positions, as the other services might tell them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from hypothesis import strategies as st

from shared.contracts import PeriodKey, PrincipalChanged, Ratio, RoleAssignmentChanged, ScoreReleased
from shared.messaging.chain import GENESIS
from shared.messaging.envelope import Envelope, read, structured
from shared.messaging.handlers import Received
from shared.messaging.log import LoggedEvent
from tests.reporting.told import (
    AT,
    LOG,
    assignment,
    body,
    calendar,
    evaluation,
    indicator,
    period,
    recorded,
    survey,
    told,
    uid,
    unit,
)

UNITS, INDICATORS = ("england", "london", "RF4", "RQM"), ("ae_4h", "visits")
MONTHS = (date(2019, 1, 1), date(2019, 2, 1), date(2019, 3, 1))
QUARTER = date(2019, 1, 1)
State = Literal["draft", "open", "closed"]
units, indicators = st.sampled_from(UNITS), st.sampled_from(INDICATORS)
numbers = st.one_of(st.none(), st.integers(0, 10_000).map(str))


@st.composite
def evaluated(draw: st.DrawFn, version: int) -> Received[Any]:
    """A result with some of its months, sometimes its quarter and its whole record."""
    periods = [period(start, draw(numbers)) for start in draw(st.lists(st.sampled_from(MONTHS), unique=True))]
    if draw(st.booleans()):
        periods.append(period(QUARTER, draw(numbers), frequency="quarter"))
    if draw(st.booleans()) or not periods:
        periods.append(period(draw(st.sampled_from(MONTHS)), draw(numbers), frequency="record"))
    of = (draw(st.sampled_from(("london", "RF4"))), draw(indicators))
    return evaluation(of[0], *periods, code=of[1], version=version, inputs_version=version)


@st.composite
def facts(draw: st.DrawFn, kind: str, version: int) -> Received[Any]:
    """One event of a kind about one of a few subjects, so that versions of the same meet often."""
    match kind:
        case "body":
            return told(body(draw(units)).data, uid("body"), version)
        case "unit":
            return unit(draw(units), draw(st.text("abc", max_size=3)), parent=draw(st.none() | units), version=version)
        case "calendar":
            return calendar(version=version)
        case "indicator":
            changed = {
                "direction": draw(st.sampled_from(("increase", "decrease", "neutral"))),
                "frequency": draw(st.sampled_from(("month", "quarter"))),
                "disclosure_class": draw(st.sampled_from(("open", "internal"))),
                "ratio": draw(st.none() | st.just(Ratio(numerator={"en": "some"}, denominator={"en": "all"}))),
            }
            return indicator(draw(indicators), version=version, **changed)
        case "assignment":
            until = draw(st.none() | st.sampled_from(MONTHS))
            return assignment(draw(units), code=draw(indicators), until=until, version=version)
        case "survey":
            states: st.SearchStrategy[State] = st.sampled_from(("draft", "open", "closed"))
            return survey(feeds=draw(indicators), state=draw(states), version=version)
        case "principal":
            who = uid(draw(st.sampled_from("xy")))
            state = draw(st.sampled_from(("active", "blocked")))
            return told(PrincipalChanged(principal_id=who, principal_kind="person", state=state), who, version)
        case "role":
            given = uid(draw(st.sampled_from(("first", "second"))))
            event = RoleAssignmentChanged(
                role_assignment_id=given,
                principal_id=uid("x"),
                role=draw(st.sampled_from(("analyst", "data_provider"))),
                unit_id=uid(draw(units)),
                valid_from=MONTHS[0],
                valid_to=draw(st.none() | st.sampled_from(MONTHS)),
                withdrawn=draw(st.booleans()),
            )
            return told(event, given, version)
        case "evaluation":
            return draw(evaluated(version))
        case _:
            return recorded(draw(st.sampled_from(("london", "RF4"))), version, start=draw(st.sampled_from(MONTHS)))[0]


KINDS = ["body", "unit", "calendar", "indicator", "assignment", "survey", "principal", "role", "evaluation", "recorded"]


@st.composite
def directories_and_results(draw: st.DrawFn) -> list[Envelope]:
    """What goals and feedback tell reporting and each other: states, evaluations, vintages.

    A version rises with every event, so that each subject's versions rise in the order of positions.
    """
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=5, max_size=25))
    return numbered([draw(facts(kind, version)) for version, kind in enumerate(kinds, start=1)])


@st.composite
def released_scores(draw: st.DrawFn, indicator_id: UUID, unit_id: UUID) -> list[Envelope]:
    """Releases of three cells, two of which feed the same month; each counts up, by days, until it is final."""
    count: Counter[str] = Counter()
    closed: set[str] = set()
    at, events = datetime.fromisoformat("2019-04-02T09:00:00+00:00"), []
    for cell in draw(st.lists(st.sampled_from(("a", "b", "c")), min_size=2, max_size=12)):
        at += timedelta(hours=draw(st.sampled_from((1, 13))))
        if cell in closed:
            continue
        count[cell] += 1
        if draw(st.integers(0, 4)) == 0:
            closed.add(cell)
        score = ScoreReleased(
            cell_id=uid(cell),
            survey_id=uid("survey"),
            survey_code="friends",
            question_id=cell,
            indicator_id=indicator_id,
            unit_id=unit_id,
            period=PeriodKey(frequency="month", start=MONTHS[0] if cell == "c" else MONTHS[1]),
            release=count[cell],
            final=cell in closed,
            count=10 * count[cell],
            numerator=Decimal(draw(st.integers(0, 40))) + 40 * count[cell],
            denominator=Decimal(10 * count[cell]),
        )
        events.append((told(score, score.cell_id, count[cell]), at))
    return numbered([event for event, _ in events], times=[at for _, at in events])


def numbered(events: Sequence[Received[Any]], times: Sequence[datetime] | None = None) -> list[Envelope]:
    """The events as a log holds them and a topic carries them."""
    return [
        read(
            structured(
                LoggedEvent(
                    position=position,
                    log_id=LOG,
                    id=uid(f"event {position}"),
                    type=event.data.type,
                    subject=event.subject,
                    subject_version=event.subject_version,
                    time=times[position - 1] if times else AT,
                    recorded_at=AT,
                    data=event.data.model_dump_json(),
                    actor=None,
                    salt=bytes(32),
                    data_digest=GENESIS,
                    actor_digest=GENESIS,
                    causation_id=None,
                    causation_depth=0,
                    traceparent=None,
                    hash_version=1,
                    previous=GENESIS,
                    hash=GENESIS,
                ),
                "/steward/test/owner",
            )
        )
        for position, event in enumerate(events, start=1)
    ]


@st.composite
def deliveries(draw: st.DrawFn, history: Sequence[Envelope]) -> list[Envelope]:
    """The same events in any order, some of them again."""
    again = draw(st.lists(st.sampled_from(history), max_size=8)) if history else []
    return draw(st.permutations([*history, *again]))
