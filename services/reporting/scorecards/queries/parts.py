"""What scorecard, dashboard and export have in common: rows of the read models as the values they show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from services.reporting.directory.queries import units_by_id
from services.reporting.directory.tables import Calendar, Indicator, Survey, Unit
from services.reporting.facts.domain import Status
from services.reporting.facts.queries import Vintages, progress
from services.reporting.facts.tables import ResultValue
from services.reporting.scorecards.domain.answers import (
    AsOf,
    Coverage,
    Figure,
    HistoryPoint,
    IndicatorRef,
    LogPosition,
    ShownPeriod,
    Target,
    UnitRef,
)
from services.reporting.scorecards.formats.reasons import MISSING, NOT_APPLICABLE, NOT_EXPECTED, NOT_REPORTED
from services.reporting.scorecards.formats.sentences import status_sentence
from shared.periods.calendar import FiscalCalendar, Period

NOTHING_EXPECTED = "nothing_expected"
NOT_EVALUATED_YET = "not_evaluated_yet"


@dataclass(frozen=True, slots=True)
class Known:
    """An indicator with the calendar that its periods are of."""

    ref: IndicatorRef
    calendar: FiscalCalendar
    notice: Mapping[str, str] | None


def known_indicators() -> Select[Indicator, Calendar]:
    """Indicators whose calendar is known too: without it no period can be named, so nothing is shown yet."""
    return select(Indicator, Calendar).join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))


def known(indicator: Indicator, calendar: Calendar) -> Known:
    """The pair as readers see it."""
    return Known(
        ref=IndicatorRef(
            id=indicator.id,
            code=indicator.code,
            name=indicator.name,
            definition=indicator.definition,
            direction=indicator.direction,
            unit_of_measure=indicator.unit_of_measure,
            decimals=indicator.decimals,
            numerator=indicator.ratio_numerator,
            denominator=indicator.ratio_denominator,
            factor=indicator.ratio_factor,
            frequency=indicator.frequency,
            disclosure_class=indicator.disclosure_class,
        ),
        calendar=FiscalCalendar(calendar.start_month, calendar.label_rule, calendar.time_zone),
        notice=indicator.notice,
    )


def unit_ref(unit: Unit) -> UnitRef:
    """A unit as readers see it."""
    return UnitRef(id=unit.id, code=unit.code, name=unit.name, level=unit.level)


def shown_period(calendar: FiscalCalendar, frequency: Any, start: date) -> ShownPeriod:
    """A period with its label."""
    return ShownPeriod(frequency, start, calendar.label(Period(start, frequency)))


async def state_of_knowledge(session: AsyncSession) -> AsOf:
    """How far each log has been applied, and the newest event among them."""
    logs = tuple(
        LogPosition(service=row.source, log_id=row.log_id, position=row.position, recorded_at=row.recorded_at)
        for row in await progress(session)
        if row.position > 0
    )
    return AsOf(at=max((log.recorded_at for log in logs), default=None), logs=logs)


async def origins(session: AsyncSession, values: Iterable[ResultValue]) -> dict[UUID, UnitRef]:
    """The units whose targets were inherited."""
    ids = {value.target_inherited_from for value in values if value.target_inherited_from is not None}
    return {unit_id: unit_ref(unit) for unit_id, unit in (await units_by_id(session, ids)).items()}


def target_of(value: ResultValue, units: Mapping[UUID, UnitRef]) -> Target | None:
    """The target that a value is held against."""
    if value.target is None:
        return None

    def decimal(name: str) -> Decimal | None:
        text = (value.target or {}).get(name)
        return None if text is None else Decimal(text)

    return Target(
        type=value.target["type"],
        value=decimal("value"),
        low=decimal("low"),
        high=decimal("high"),
        baseline=decimal("baseline"),
        milestone=value.target.get("milestone"),
        inherited_from=units.get(value.target_inherited_from) if value.target_inherited_from else None,
        derived=value.target_derived,
    )


def figure_of(
    value: ResultValue,
    indicator: Known,
    *,
    units: Mapping[UUID, UnitRef],
    languages: Sequence[str],
    parts_held_back: int = 0,
) -> Figure:
    """A value of the read model as a number with its coverage, target and status."""
    target = target_of(value, units)
    coverage = Coverage(value.reported, value.expected, value.held_back + parts_held_back)
    return Figure(
        period=shown_period(indicator.calendar, value.frequency, value.period_start),
        value=value.value,
        numerator=value.numerator,
        denominator=value.denominator,
        obs_status=value.obs_status,
        missing_reason=value.missing_reason,
        coverage=coverage,
        target=target,
        progress=value.progress,
        status=value.status,
        status_rule=value.status_rule,
        status_sentence=status_sentence(
            value.status,
            rule=value.status_rule,
            indicator=indicator.ref,
            value=value.value,
            target=target,
            coverage=coverage,
            missing_reason=value.missing_reason,
            languages=languages,
        ),
    )


def empty_figure(period: ShownPeriod | None, indicator: Known, *, expected: bool, languages: Sequence[str]) -> Figure:
    """What stands where goals has said nothing: expected and still to come, or not expected at all."""
    status: Status = "no_information" if expected else "not_expected"
    rule = NOT_EVALUATED_YET if expected else NOTHING_EXPECTED
    obs_status, reason = (MISSING, NOT_REPORTED) if expected else (NOT_APPLICABLE, NOT_EXPECTED)
    coverage = Coverage(0, int(expected))
    return Figure(
        period=period,
        value=None,
        numerator=None,
        denominator=None,
        obs_status=obs_status,
        missing_reason=reason,
        coverage=coverage,
        target=None,
        progress=None,
        status=status,
        status_rule=rule,
        status_sentence=status_sentence(
            status,
            rule=rule,
            indicator=indicator.ref,
            value=None,
            target=None,
            coverage=coverage,
            missing_reason=reason,
            languages=languages,
        ),
    )


def history_point(value: ResultValue, indicator: Known, vintages: Vintages | None) -> HistoryPoint:
    """A value as a point of the line that leads to the present one."""
    target = target_of(value, {})
    return HistoryPoint(
        period=shown_period(indicator.calendar, value.frequency, value.period_start),
        value=value.value,
        numerator=value.numerator,
        denominator=value.denominator,
        obs_status=value.obs_status,
        missing_reason=value.missing_reason,
        status=value.status,
        target_value=target.value if target else None,
        reported=value.reported,
        expected=value.expected,
        vintages=vintages.recorded if vintages else None,
        corrections=vintages.corrections if vintages else None,
    )


def notice_of(indicator: Known, surveys: Sequence[Survey]) -> Mapping[str, str] | None:
    """What must be shown beside the number: the indicator's own notice, else that of a survey that feeds it."""
    return indicator.notice or next((survey.notice for survey in surveys if survey.notice), None)
