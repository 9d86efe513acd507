"""A body with regions, organisations and two indicators, told to reporting as goals would tell it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.worker import HANDLERS
from shared.contracts import (
    AssignmentChanged,
    BodyChanged,
    CalendarChanged,
    EvaluationMade,
    Event,
    IndicatorChanged,
    MeasurementRecorded,
    SurveyChanged,
    UnitChanged,
)
from shared.contracts.feedback.surveys import ScoredQuestion
from shared.contracts.goals.indicators import Ratio
from shared.contracts.goals.measurements import (
    EvaluatedPeriod,
    PeriodKey,
    RecordedValue,
    RuleSet,
    SeriesKey,
    TargetValue,
)
from shared.decimals import divided, rounded
from shared.messaging.handlers import Received

SPACE = UUID("6f0d5d3e-0000-4000-8000-000000000000")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
Counts = Mapping[date, tuple[int, int]]
"""Numerator and denominator of each month."""


def known_as(name: str) -> UUID:
    """The same id for the same name in every run."""
    return uuid5(SPACE, name)


@dataclass
class World:
    """What is told, and in which order."""

    events: list[tuple[Event, UUID, int]] = field(default_factory=list)
    parents: dict[str, str | None] = field(default_factory=dict)

    def tell(self, event: Event, subject: UUID, version: int = 1) -> None:
        """Add one event."""
        self.events.append((event, subject, version))

    def body(self, name: str) -> None:
        """The body, its calendar from April, and its root unit `root`."""
        self.tell(
            BodyChanged(
                body_id=known_as("body"), slug="root", name={"en": name}, default_language="en",
                time_zone="Europe/London", root_unit_id=known_as("root"),
            ),
            known_as("body"),
        )  # fmt: skip
        self.tell(
            CalendarChanged(
                calendar_id=known_as("main"), code="main", name={"en": "Fiscal year"}, start_month=4,
                label_rule="both_years", time_zone="Europe/London",
            ),
            known_as("main"),
        )  # fmt: skip
        self.unit("root", name, None, "national")

    def unit(self, code: str, name: str, parent: str | None, level: str) -> None:
        """A unit below another."""
        self.parents[code] = parent
        self.tell(
            UnitChanged(
                unit_id=known_as(code), code=code, name={"en": name}, parent_id=known_as(parent) if parent else None,
                level=level, valid_from=date(2016, 4, 1), valid_to=None,
            ),
            known_as(code),
        )  # fmt: skip

    def indicator(self, code: str, name: str, **changes: Any) -> None:
        """An indicator: a percentage where more is better, unless told otherwise."""
        told: dict[str, Any] = {
            "indicator_id": known_as(code), "code": code, "name": {"en": name},
            "definition": {"en": f"{name}, of all that were counted in the period."}, "direction": "increase",
            "unit_of_measure": {"en": "%"}, "decimals": 2,
            "ratio": Ratio(numerator={"en": "Within four hours"}, denominator={"en": "Attendances"}),
            "aggregation_over_time": "pooled_ratio", "aggregation_over_units": "pooled_ratio",
            "disclosure_class": "open", "calendar_id": known_as("main"), "frequency": "month",
        }  # fmt: skip
        self.tell(IndicatorChanged(**{**told, **changes}), known_as(code))

    def survey(self, code: str, title: str, indicator: str, notice: str) -> None:
        """A survey that feeds an indicator."""
        self.tell(
            SurveyChanged(
                survey_id=known_as(code), code=code, title={"en": title}, notice={"en": notice}, state="open",
                published_version=1, unit_id=known_as("root"), threshold=10,
                scored=[ScoredQuestion(question_id="q", text={"en": title}, indicator_id=known_as(indicator))],
            ),
            known_as(code),
        )  # fmt: skip

    def figures(
        self,
        indicator: str,
        counts: Mapping[str, Counts],
        *,
        target: int | None,
        expected_to: date,
        source: Literal["reported", "feedback"] = "reported",
    ) -> None:
        """Each unit's own figures, the last of them in two vintages, and what goals pools for every unit above."""
        summed: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
        for unit, months in counts.items():
            above: str | None = unit
            while above is not None:
                for month, (numerator, denominator) in months.items():
                    for place, number in enumerate((numerator, denominator, 1)):
                        summed[above][month][place] += number
                above = self.parents[above]
        for unit in counts:
            series = known_as(f"{indicator}/{unit}")
            reported = sorted(counts[unit])
            # Who stops before the others is no longer to report, and goals says nothing of what comes after.
            ended = reported[-1] + timedelta(days=27) if reported[-1] < expected_to else None
            self.tell(
                AssignmentChanged(
                    assignment_id=known_as(f"assignment/{indicator}/{unit}"), indicator_id=known_as(indicator),
                    unit_id=known_as(unit), valid_from=reported[0], valid_to=ended,
                ),
                known_as(f"assignment/{indicator}/{unit}"),
            )  # fmt: skip
            self.tell(
                MeasurementRecorded(
                    series_id=series,
                    series=SeriesKey(indicator_id=known_as(indicator), unit_id=known_as(unit)),
                    source=source,
                    values=[
                        RecordedValue(
                            measurement_id=known_as(f"{series}{month}{vintage}"),
                            period=PeriodKey(frequency="month", start=month),
                            vintage=vintage,
                            value=Decimal(1),
                        )
                        for month in reported
                        for vintage in ((1, 2) if month == reported[-1] else (1,))
                    ],
                ),
                series,
            )  # fmt: skip
        for unit, sums in summed.items():
            self.evaluated(indicator, unit, sums, own=unit in counts, target=target)

    def evaluated(
        self,
        indicator: str,
        unit: str,
        sums: Mapping[date, Sequence[int]],
        *,
        own: bool,
        target: int | None,
    ) -> None:
        """What goals says of one series."""
        periods = [
            _period(PeriodKey(frequency="month", start=month), sums[month], target=target, unit=unit)
            for month in sorted(sums)
        ]
        whole = [sum(sums[month][place] for month in sums) for place in (0, 1)]
        newest = 1 if own else max(sums[month][2] for month in sums)
        record = PeriodKey(frequency="record", start=min(sums))
        periods.append(_period(record, [*whole, newest], target=target, unit=unit))
        result = known_as(f"result/{indicator}/{unit}")
        self.tell(
            EvaluationMade(
                result_id=result,
                series_id=known_as(f"{indicator}/{unit}") if own else None,
                series=SeriesKey(indicator_id=known_as(indicator), unit_id=known_as(unit)),
                inputs_version=1,
                evaluated_at=AT,
                rule_set=RuleSet(name="status", version=1),
                periods=periods,
            ),
            result,
        )

    async def apply(self, session: AsyncSession) -> None:
        """Hand every event to the handlers of the worker, as its consumer would."""
        for position, (event, subject, version) in enumerate(self.events, start=1):
            received = Received(
                data=event, id=known_as(f"event/{position}"), subject=subject, subject_version=version, time=AT,
                recorded_at=AT, log_id=known_as("log"), position=position, actor=None, causation_depth=0,
            )  # fmt: skip
            for handlers in HANDLERS:
                if type(event) in handlers:
                    await handlers[type(event)](session, [received])


def _period(period: PeriodKey, sums: Sequence[int], *, target: int | None, unit: str) -> EvaluatedPeriod:
    numerator, denominator, reported = sums
    value = rounded(divided(Decimal(numerator), Decimal(denominator)) * 100)
    held = TargetValue(type="maintain_at_or_above", value=Decimal(target)) if target is not None else None
    met = target is not None and value >= target
    return EvaluatedPeriod(
        period=period, value=value, numerator=Decimal(numerator), denominator=Decimal(denominator),
        reported=reported, expected=reported, target=held,
        target_inherited_from=None if unit == "root" or held is None else known_as("root"),
        status="no_information" if target is None else "met" if met else "not_met",
        status_rule="no_target" if target is None else f"value_{'at_or_above' if met else 'below'}_target",
    )  # fmt: skip


def months(first: date, count: int) -> Iterable[date]:
    """So many first days of months."""
    for index in range(count):
        at = first.year * 12 + first.month - 1 + index
        yield date(at // 12, at % 12 + 1, 1)
