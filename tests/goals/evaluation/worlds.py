"""A small body to evaluate: units, indicators, who reports what; plain functions with full defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.tables import Result, ResultValue
from services.goals.indicators.domain import NewAssignment, NewIndicator, Ratio, Span
from services.goals.indicators.operations.assignments import create_assignments
from services.goals.indicators.operations.indicators import create_indicator
from services.goals.measurements.domain import Reported
from services.goals.measurements.operations.recording import NewMeasurement, record_measurements
from services.goals.organisation.domain import NewUnit
from services.goals.organisation.operations import change_unit, create_units, establish_body
from services.goals.organisation.queries import unit_by_key
from services.goals.schema import Outbox
from services.goals.targets.operations import NewTarget, set_target
from services.goals.targets.tables import Series
from shared.contracts import EvaluationMade
from shared.decimals import plain
from shared.errors import ServiceError
from shared.http.auth import UnitScope
from shared.periods.calendar import Period

EVERYWHERE = UnitScope(everywhere=True)
APRIL = date(2018, 4, 1)
Text = dict[str, str]


def month(year: int, number: int) -> Period:
    """A month."""
    return Period(date(year, number, 1), "month")


def in_short(one: ResultValue) -> str:
    """The value and its coverage."""
    value = None if one.value is None else plain(one.value)
    return f"{value} from {one.reported} of {one.expected}"


@dataclass
class World:
    """A body in one session's database, and the moment at which everything happens."""

    session: AsyncSession
    now: datetime
    units: dict[str, UUID] = field(default_factory=dict)
    indicators: dict[str, UUID] = field(default_factory=dict)

    async def unit(self, code: str, parent: str = "nhs", *, level: str = "organisation", **more: Any) -> UUID:
        """Add a unit."""
        (unit,) = await create_units(
            self.session,
            [NewUnit(code, {"en": code}, parent, level, **more)],
            scope=EVERYWHERE,
            actor="t",
            now=self.now,
        )
        assert not isinstance(unit, ServiceError)
        self.units[code] = unit.id
        return unit.id

    async def move(self, code: str, parent: str) -> None:
        """Put a unit below another."""
        seen = (await unit_by_key(self.session, code, EVERYWHERE)).version
        await change_unit(self.session, code, {"parent": parent}, seen=seen, scope=EVERYWHERE, actor="t", now=self.now)

    async def indicator(self, code: str = "visits", *, ratio: bool = False, **more: Any) -> UUID:
        """Add an indicator: a monthly count unless it is said to be a ratio."""
        rule = "pooled_ratio" if ratio else "sum"
        given: dict[str, Any] = {
            "name": {"en": code},
            "definition": {"en": code},
            "direction": "neutral",
            "unit_of_measure": {"en": "%"},
            "aggregation_over_time": rule,
            "aggregation_over_units": rule,
            "disclosure_class": "open",
            "frequency": "month",
            "ratio": Ratio({"en": "in time"}, {"en": "all"}) if ratio else None,
        } | more
        indicator = await create_indicator(
            self.session, NewIndicator(code, **given), scope=EVERYWHERE, actor="t", now=self.now
        )
        self.indicators[code] = indicator.id
        return indicator.id

    async def assign(
        self, *units: str, indicator: str = "visits", start: date = APRIL, end: date | None = None
    ) -> None:
        """Have units report an indicator."""
        new = [NewAssignment(indicator, unit, Span(start, end)) for unit in units]
        outcomes = await create_assignments(self.session, new, scope=EVERYWHERE, actor="t", now=self.now)
        assert not [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]

    async def record(
        self, unit: str, period: Period, value: str | None = None, *, indicator: str = "visits", **more: Any
    ) -> None:
        """Record a value, or `numerator` and `denominator`."""
        numbers = {name: Decimal(more[name]) for name in more.keys() & {"numerator", "denominator"}}
        reported = Reported(period, value=None if value is None else Decimal(value), **(more | numbers))
        await self.record_all([NewMeasurement(indicator, unit, reported)])

    async def record_all(self, new: Sequence[NewMeasurement]) -> None:
        """Record many values at once."""
        outcomes = await record_measurements(self.session, new, scope=EVERYWHERE, actor="t", now=self.now)
        assert not [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]

    async def target(self, unit: str, type: str, *, indicator: str = "visits", **more: Any) -> int:  # noqa: A002 - the contract's word
        """Set a target and say the version of its series."""
        numbers = {name: Decimal(more[name]) for name in more.keys() & {"value", "low", "high", "baseline"}}
        given: dict[str, Any] = {"valid_from": APRIL, "reason": "agreed"} | more | numbers
        new = NewTarget(indicator, unit, type, **given)  # type: ignore[arg-type]  # any type of target, as text
        _, series = await set_target(self.session, new, scope=EVERYWHERE, actor="t", now=self.now)
        return series.version

    async def series_version(self, unit: str, *, indicator: str = "visits") -> int:
        """The version of a headline series."""
        query = select(Series.version).where(
            col(Series.unit_id) == self.units[unit], col(Series.indicator_id) == self.indicators[indicator]
        )
        return (await self.session.exec(query)).one()

    async def evaluate(self) -> None:
        """Clear the dirty list."""
        while await evaluate_dirty(self.session, now=self.now):
            pass

    async def result(self, unit: str, period: Period, *, indicator: str = "visits") -> ResultValue:
        """The evaluation of one period of a unit."""
        query = (
            select(ResultValue)
            .join(Result, col(Result.id) == col(ResultValue.result_id))
            .where(
                col(Result.indicator_id) == self.indicators[indicator],
                col(Result.unit_id) == self.units[unit],
                col(ResultValue.frequency) == period.frequency,
                col(ResultValue.period_start) == period.start,
            )
        )
        return (await self.session.exec(query.execution_options(populate_existing=True))).one()

    async def periods(self, unit: str, *, indicator: str = "visits") -> set[tuple[str, date]]:
        """The periods of a unit in which there is anything."""
        return {
            (frequency, start)
            for indicator_id, unit_id, frequency, start in await self.everything()
            if (indicator_id, unit_id) == (self.indicators[indicator], self.units[unit])
        }

    async def everything(self) -> Mapping[tuple[UUID, UUID, str, date], tuple[Any, ...]]:
        """Every evaluated period, by indicator, unit and period."""
        query = select(Result, ResultValue).join(ResultValue, col(ResultValue.result_id) == col(Result.id))
        rows = (await self.session.exec(query.execution_options(populate_existing=True))).all()
        return {
            (result.indicator_id, result.unit_id, value.frequency, value.period_start): tuple(
                str(part) for name, part in sorted(value.model_dump().items()) if name != "result_id"
            )
            for result, value in rows
        }

    async def told(self) -> list[EvaluationMade]:
        """Every evaluation that was told, in order."""
        query = select(Outbox.data).where(col(Outbox.type) == EvaluationMade.type).order_by(col(Outbox.id))
        return [EvaluationMade.model_validate_json(data) for data in (await self.session.exec(query)).all()]


async def founded(session: AsyncSession, now: datetime) -> World:
    """A body `nhs` whose year begins in April."""
    body = await establish_body(
        session,
        slug="nhs",
        name={"en": "NHS"},
        language="en",
        time_zone="Europe/London",
        start_month=4,
        now=now,
    )
    return World(session, now, {"nhs": body.root_unit_id})
