"""Events as goals and feedback would tell them, with full defaults, and what applies them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.schema import DeadLetter
from services.reporting.worker import HANDLERS
from shared.contracts import (
    AssignmentChanged,
    BodyChanged,
    CalendarChanged,
    EvaluatedPeriod,
    EvaluationMade,
    Event,
    IndicatorChanged,
    MeasurementRecorded,
    PeriodKey,
    Ratio,
    RecordedValue,
    RuleSet,
    ScoredQuestion,
    SeriesKey,
    SurveyChanged,
    TargetValue,
    UnitChanged,
)
from shared.messaging.handlers import Received

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LOG = uuid5(NAMESPACE_URL, "log of goals")


def uid(name: str) -> UUID:
    """The id that a name always has."""
    return uuid5(NAMESPACE_URL, name)


def told(event: Event, subject: UUID, version: int = 1, position: int = 1) -> Received[Any]:
    """An event in its envelope."""
    return Received(
        data=event,
        id=uid(f"{subject} {version}"),
        subject=subject,
        subject_version=version,
        time=AT,
        recorded_at=AT,
        log_id=LOG,
        position=position,
        actor=None,
        causation_depth=0,
    )


async def hear(session: AsyncSession, *events: Received[Any]) -> None:
    """Apply events one by one, as the worker hands them to each capability."""
    for event in events:
        for handlers in HANDLERS:
            handler = handlers.get(type(event.data))
            if handler is not None:
                await handler(session, [event])


def body(root: str = "england") -> Received[Any]:
    """The body."""
    event = BodyChanged(
        body_id=uid("body"),
        slug=root,
        name={"en": "England"},
        default_language="en",
        time_zone="Europe/London",
        root_unit_id=uid(root),
    )
    return told(event, event.body_id)


def unit(
    code: str, name: str | None = None, parent: str | None = "england", level: str = "organisation", version: int = 1
) -> Received[Any]:
    """A unit; its id is made from its code."""
    event = UnitChanged(
        unit_id=uid(code),
        code=code,
        name={"en": name or code},
        parent_id=uid(parent) if parent else None,
        level=level,
        valid_from=date(2016, 4, 1),
        valid_to=None,
    )
    return told(event, event.unit_id, version)


def calendar(version: int = 1) -> Received[Any]:
    """The fiscal calendar: from April."""
    event = CalendarChanged(
        calendar_id=uid("calendar"),
        code="main",
        name={"en": "Fiscal year"},
        start_month=4,
        label_rule="both_years",
        time_zone="Europe/London",
    )
    return told(event, event.calendar_id, version)


def indicator(code: str = "ae_4h", version: int = 1, **changed: Any) -> Received[Any]:
    """An open monthly ratio, more of which is better."""
    fields: dict[str, Any] = {
        "indicator_id": uid(code),
        "code": code,
        "name": {"en": f"Indicator {code}"},
        "definition": {"en": "Share of patients seen within four hours"},
        "direction": "increase",
        "unit_of_measure": {"en": "%"},
        "decimals": 2,
        "ratio": Ratio(numerator={"en": "Within four hours"}, denominator={"en": "Attendances"}),
        "aggregation_over_time": "pooled_ratio",
        "aggregation_over_units": "pooled_ratio",
        "disclosure_class": "open",
        "calendar_id": uid("calendar"),
        "frequency": "month",
    }
    event = IndicatorChanged(**(fields | changed))
    return told(event, event.indicator_id, version)


def assignment(unit_code: str, code: str = "ae_4h", until: date | None = None, version: int = 1) -> Received[Any]:
    """A unit that is expected to report, from April 2016."""
    event = AssignmentChanged(
        assignment_id=uid(f"{code} {unit_code} assigned"),
        indicator_id=uid(code),
        unit_id=uid(unit_code),
        valid_from=date(2016, 4, 1),
        valid_to=until,
    )
    return told(event, event.assignment_id, version)


def survey(
    code: str = "friends",
    feeds: str = "satisfaction",
    version: int = 1,
    state: Literal["draft", "open", "closed"] = "open",
) -> Received[Any]:
    """A survey with simulated answers."""
    event = SurveyChanged(
        survey_id=uid(code),
        code=code,
        title={"en": "Friends and family"},
        notice={"en": "Simulated answers"},
        state=state,
        published_version=1,
        unit_id=uid("england"),
        threshold=10,
        scored=[ScoredQuestion(question_id="q1", text={"en": "How was it?"}, indicator_id=uid(feeds))],
    )
    return told(event, event.survey_id, version)


def period(
    start: date = date(2019, 3, 1),
    within: str | None = "8660",
    attended: str | None = "10000",
    frequency: Any = "month",
    **changed: Any,
) -> EvaluatedPeriod:
    """A month that misses the target of 95; without numbers, one that nobody reported."""
    value = Decimal(within) * 100 / Decimal(attended) if within and attended else None
    fields: dict[str, Any] = {
        "period": PeriodKey(frequency=frequency, start=start),
        "value": value,
        "numerator": within and Decimal(within),
        "denominator": attended and Decimal(attended),
        "obs_status": "A" if within else "O",
        "missing_reason": None if within else "not_reported",
        "reported": 1 if within else 0,
        "expected": 1,
        "target": TargetValue(type="maintain_at_or_above", value=Decimal(95)),
        "status": "no_information" if value is None else "met" if value >= 95 else "not_met",
        "status_rule": "no_value" if value is None else "value_below_target",
    }
    return EvaluatedPeriod(**(fields | changed))


def evaluation(
    unit_code: str,
    *periods: EvaluatedPeriod,
    code: str = "ae_4h",
    version: int = 1,
    inputs_version: int = 1,
    own_series: bool = True,
) -> Received[Any]:
    """What goals made of a unit's numbers; its result and series ids come from indicator and unit."""
    event = EvaluationMade(
        result_id=uid(f"{code} {unit_code} result"),
        series_id=uid(f"{code} {unit_code} series") if own_series else None,
        series=SeriesKey(indicator_id=uid(code), unit_id=uid(unit_code)),
        inputs_version=inputs_version,
        evaluated_at=AT,
        rule_set=RuleSet(name="value-against-target", version=1),
        periods=list(periods or (period(),)),
    )
    return told(event, event.result_id, version)


def recorded(
    unit_code: str,
    *vintages: int,
    start: date = date(2019, 3, 1),
    code: str = "ae_4h",
    source: Literal["reported", "feedback"] = "reported",
) -> list[Received[Any]]:
    """One recording per vintage of a month."""
    series = uid(f"{code} {unit_code} series")
    return [
        told(
            MeasurementRecorded(
                series_id=series,
                series=SeriesKey(indicator_id=uid(code), unit_id=uid(unit_code)),
                source=source,
                values=[
                    RecordedValue(
                        measurement_id=uid(f"{series} {vintage}"),
                        period=PeriodKey(frequency="month", start=start),
                        vintage=vintage,
                        value=Decimal(80 + vintage),
                    )
                ],
            ),
            series,
            vintage,
        )
        for vintage in vintages
    ]


def small_world(organisations: Sequence[str] = ("RF4", "RQM")) -> list[Received[Any]]:
    """England with two regions and a few organisations in the first, calendar and indicator; nothing reported."""
    return [
        body(),
        unit("england", "England", parent=None, level="national"),
        unit("london", "London", level="region"),
        unit("north", "North", level="region"),
        *(unit(code, parent="london") for code in organisations),
        calendar(),
        indicator(),
        *(assignment(code) for code in organisations),
    ]


def set_aside(subject: str, position: int = 7) -> DeadLetter:
    """An evaluation of this subject that could not be applied."""
    return DeadLetter(
        consumer="reporting",
        log_id=LOG,
        position=position,
        event_id=uid("event"),
        type="steward.goals.evaluation.made.v1",
        subject=uid(subject),
        subject_version=9,
        envelope="{}",
        reason="unreadable",
        set_aside_at=AT,
    )
