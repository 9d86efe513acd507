"""What the directory alone says of a unit's scorecard, read again only when there is another edition of it."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.domain import Days
from services.reporting.directory.queries import (
    children_of,
    may_see,
    parents_of,
    surveys_feeding,
    the_body,
    unit_by_key,
)
from services.reporting.directory.tables import Assignment, Indicator
from services.reporting.scorecards.domain.answers import SurveyRef, Text, UnitRef
from services.reporting.scorecards.queries.parts import Known, known, known_indicators, notice_of, unit_ref
from shared.http.auth import UnitScope


@dataclass(frozen=True, slots=True)
class Concern:
    """An indicator of the unit, as far as it does not depend on any number."""

    indicator: Known
    assigned: tuple[Days, ...]
    surveys: tuple[SurveyRef, ...]
    notice: Text | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A unit between those above and below it, with the indicators of it that a reader may see, by code."""

    unit: UnitRef
    valid_from: date
    valid_to: date | None
    parents: tuple[UnitRef, ...]
    children: tuple[UnitRef, ...]
    default_language: str
    concerns: tuple[Concern, ...]


class KeptSurroundings:
    """Surroundings of one edition of the directory, in the memory of one process.

    Another edition empties it, and so do more indicators than `most` in all, some tens of megabytes.
    """

    def __init__(self, most: int = 20_000) -> None:
        self._most, self._concerns = most, 0
        self._edition: UUID | None = None
        self._kept: dict[Hashable, Surroundings] = {}

    async def read(
        self, session: AsyncSession, edition: UUID, unit_id: UUID, evaluated: Collection[UUID], scope: UnitScope | None
    ) -> Surroundings:
        """The surroundings under the edition that this transaction sees."""
        asked = (unit_id, frozenset(evaluated), scope)
        found = self._kept.get(asked) if edition == self._edition else None
        if found is None:
            found = await surroundings(session, unit_id, evaluated, scope)
            weight = len(found.concerns) + 1
            if edition != self._edition or self._concerns + weight > self._most:
                self._edition, self._kept, self._concerns = edition, {}, 0
            self._kept[asked] = found
            self._concerns += weight
        return found


async def surroundings(
    session: AsyncSession, unit_id: UUID, evaluated: Collection[UUID], scope: UnitScope | None
) -> Surroundings:
    """The surroundings of a unit, with the indicators that it is assigned or has been evaluated for.

    Without a scope the reader is the public and sees indicators of class open only.
    """
    body = await the_body(session)
    unit = await unit_by_key(session, str(unit_id))
    assigned: dict[UUID, list[Days]] = {}
    for indicator_id, first, last in await session.exec(_ASSIGNED, params={"unit": unit_id}):
        assigned.setdefault(indicator_id, []).append(Days(first, last))
    concerned = {"unit": unit_id, "concerned": list({*assigned, *evaluated})}
    indicators = [known(*pair) for pair in await session.exec(_known_to(scope), params=concerned)]
    surveys = await surveys_feeding(session, [indicator.ref.id for indicator in indicators])
    return Surroundings(
        unit=unit_ref(unit),
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        parents=tuple(unit_ref(parent) for parent in await parents_of(session, unit)),
        children=tuple(unit_ref(child) for child in await children_of(session, unit.id)),
        default_language=body.default_language,
        concerns=tuple(
            Concern(
                indicator=indicator,
                assigned=tuple(assigned.get(indicator.ref.id, ())),
                surveys=tuple(
                    SurveyRef(survey.id, survey.code, survey.title, survey.state)
                    for survey in surveys.get(indicator.ref.id, ())
                ),
                notice=notice_of(indicator, surveys.get(indicator.ref.id, [])),
            )
            for indicator in indicators
        ),
    )


_ASSIGNED: Any = select(col(Assignment.indicator_id), col(Assignment.valid_from), col(Assignment.valid_to)).where(
    col(Assignment.unit_id) == bindparam("unit")
)


@lru_cache(maxsize=100)
def _known_to(scope: UnitScope | None) -> Any:
    """The statement for readers of a scope, made once: making it costs more than sending it."""
    return (
        known_indicators()
        .where(col(Indicator.id) == any_(bindparam("concerned", type_=ARRAY(Uuid))))
        .where(may_see(scope, bindparam("unit", type_=Uuid)))
        .order_by(col(Indicator.code))
    )
