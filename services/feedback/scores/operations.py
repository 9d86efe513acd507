"""Folding: answers into cells, and out of the cells what may be known."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.queries import the_body
from services.feedback.schema import Outbox
from services.feedback.scores.domain import (
    Answered,
    CellKey,
    Release,
    Tally,
    is_over,
    next_release,
    tallied,
)
from services.feedback.scores.queries import asked_in, cells_to_change
from services.feedback.scores.tables import Fold, ScoreCell
from services.feedback.surveys.domain import step_of
from services.feedback.surveys.tables import Survey
from shared.contracts import PeriodKey, ScoreReleased
from shared.ids import random_id
from shared.messaging.outbox import publish

AT_MOST = 5000
"""Answers folded in one transaction; what is left comes in the next."""

# Whatever is in the queue, not "newer than the last": an answer may become visible after a later one has been folded.
_TAKE = text(
    """
    with taken as (
        delete from feedback.scoring_queue
        where survey_id = :survey_id and response_id in (
            select response_id from feedback.scoring_queue where survey_id = :survey_id limit :at_most
        )
        returning response_id
    )
    select r.version, r.day, r.answers from taken join feedback.response r on r.id = taken.response_id
    """
)


async def fold(session: AsyncSession, survey_id: UUID, *, now: datetime, final_grace: timedelta) -> bool:
    """Add what waits to the survey's cells and let out what is due, all in the caller's transaction.

    Nothing is remembered between two calls: killed at any moment, the queue and the cells are as before. Says
    whether there may be more in the queue.
    """
    await session.exec(insert(Fold).values(survey_id=survey_id).on_conflict_do_nothing())
    lock = select(Fold).where(col(Fold.survey_id) == survey_id).with_for_update(skip_locked=True)
    if (await session.exec(lock)).first() is None:
        return False  # Another worker is folding this survey.
    survey = await session.get_one(Survey, survey_id)
    body = await the_body(session)
    responses = await _take(session, survey_id)
    tallies = tallied(responses)
    cells = await cells_to_change(session, survey_id, tallies)
    _add(session, survey_id, cells, tallies)
    more = len(responses) == AT_MOST
    for key, cell in cells.items():
        if cell.final:
            continue
        # While answers of this period may still wait in the queue, its last word is not spoken.
        over = not more and is_over(key.period, time_zone=body.time_zone, grace=final_grace, now=now)
        _let_out(session, survey, cell, over=over, now=now)
    return more


async def _take(session: AsyncSession, survey_id: UUID) -> list[Answered]:
    connection = await session.connection()
    rows = (await connection.execute(_TAKE, {"survey_id": survey_id, "at_most": AT_MOST})).all()
    asked = await asked_in(session, survey_id, {row.version for row in rows})
    return [Answered(asked[row.version], row.day, row.answers) for row in rows]


def _add(
    session: AsyncSession, survey_id: UUID, cells: dict[CellKey, ScoreCell], tallies: Mapping[CellKey, Tally]
) -> None:
    for key, tally in tallies.items():
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = ScoreCell(
                # Random: an id with a time in it would say when the first answer came.
                id=random_id(),
                survey_id=survey_id,
                question_id=key.question_id,
                unit_id=key.unit_id,
                frequency=key.period.frequency,
                period_start=key.period.start,
                indicator_id=tally.indicator_id,
            )
        if cell.final:
            cell.late += tally.count
        else:
            cell.hold(cell.tally.with_more(tally))
        session.add(cell)


def _let_out(session: AsyncSession, survey: Survey, cell: ScoreCell, *, over: bool, now: datetime) -> None:
    release = None
    if cell.indicator_id is not None:
        release = next_release(cell.tally, cell.known, step=step_of(survey.threshold), is_over=over, now=now)
        if release is not None:
            _tell(session, survey, cell, cell.indicator_id, release, now=now)
            cell.remember(release, now)
    waits = over and release is None and cell.release > 0 and cell.indicator_id is not None
    # A last release that must wait for its minute comes with a later fold; else the period is done.
    cell.final = over and not waits


def _tell(
    session: AsyncSession, survey: Survey, cell: ScoreCell, indicator_id: UUID, release: Release, *, now: datetime
) -> None:
    publish(
        session,
        Outbox,
        ScoreReleased(
            cell_id=cell.id,
            survey_id=survey.id,
            survey_code=survey.code,
            question_id=cell.question_id,
            indicator_id=indicator_id,
            unit_id=cell.unit_id,
            period=PeriodKey(frequency="month", start=cell.period_start),
            release=release.number,
            final=release.final,
            count=release.count,
            numerator=release.total,
            denominator=Decimal(release.scored),
            left_out=release.left_out,
        ),
        subject=cell.id,
        subject_version=release.number,
        now=now,
    )
