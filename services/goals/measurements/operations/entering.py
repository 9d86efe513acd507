"""What a person enters for one period of a unit: all of it is recorded, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.indicators.queries import indicators_by_key
from services.goals.measurements.domain import Reported
from services.goals.measurements.errors import NothingRecorded
from services.goals.measurements.operations.recording import NewMeasurement, Recorded, record_measurements
from services.goals.measurements.queries.asked import standing_numbers
from services.goals.measurements.tables import Measurement
from services.goals.organisation.queries import unit_by_key
from services.goals.targets.operations import lock_series
from shared.errors import PreconditionFailed, ServiceError
from shared.http.auth import UnitScope
from shared.periods.calendar import Period


@dataclass(frozen=True, slots=True)
class Entered:
    """What a person enters for an indicator, and which vintage they saw standing; 0 for none."""

    reported: Reported
    seen: int


@dataclass(frozen=True, slots=True)
class Written:
    """A version of a series that tells what was entered."""

    series_id: UUID
    series_version: int


async def enter_numbers(
    session: AsyncSession,
    unit_key: str,
    period: Period,
    entered: Mapping[str, Entered],
    *,
    scope: UnitScope,
    actor: str,
    now: datetime,
) -> list[Written]:
    """Record what was entered for these indicators, by code, or raise NothingRecorded with what is wrong with each.

    What says the same as what stands is no vintage: a form sent twice, or a number left as it was, changes nothing.
    What was entered over a vintage that no longer stands is refused, once, with the one that does.
    """
    async with session.begin_nested():
        unit = await unit_by_key(session, unit_key, scope)
        indicators = await indicators_by_key(session, entered.keys())
        ids = {code: indicator.id for code, (indicator, _) in indicators.items()}
        series = await lock_series(session, {(indicator_id, unit.id) for indicator_id in ids.values()})
        standing = await standing_numbers(session, unit.id, period, ids.values())
        wrong: dict[str, ServiceError] = {}
        new: list[str] = []
        for code, one in entered.items():
            stands = standing.get(ids[code])
            if stands is not None and _says_the_same(stands, one.reported):
                continue
            if one.seen != (stands.vintage if stands else 0):
                wrong[code] = PreconditionFailed("Somebody else has recorded this number since you opened the page.")
            else:
                new.append(code)
        values = [NewMeasurement(code, unit.code, entered[code].reported) for code in new]
        outcomes = await record_measurements(session, values, scope=scope, actor=actor, now=now)
        recorded = [one for one in outcomes if isinstance(one, Recorded)]
        wrong |= {code: one for code, one in zip(new, outcomes, strict=True) if isinstance(one, ServiceError)}
        if wrong:
            raise NothingRecorded(wrong)
    if recorded:
        return [Written(one.series_id, one.series_version) for one in recorded]
    return [Written(one.id, one.version) for one in series.values()]


def _says_the_same(stands: Measurement, reported: Reported) -> bool:
    value_is_given = reported.numerator is None and reported.denominator is None
    return (
        (stands.value == reported.value or not value_is_given)
        and stands.numerator == reported.numerator
        and stands.denominator == reported.denominator
        and stands.obs_status == reported.obs_status
        and stands.missing_reason == reported.missing_reason
    )
