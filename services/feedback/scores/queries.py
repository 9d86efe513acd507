"""Which surveys have answers to add up or scores to let out."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.responses.tables import ScoringQueue
from services.feedback.scores.domain import BETWEEN_RELEASES, Asked, CellKey
from services.feedback.scores.tables import ScoreCell
from services.feedback.surveys.domain import SMALLEST_STEP, from_json
from services.feedback.surveys.tables import Survey, SurveyVersion
from shared.messaging.state import Waiting

# The decisions are the domain's; this only keeps the folder from opening every survey each time.
_WITH_WORK = text(
    """
    select s.id
    from feedback.survey s cross join feedback.body b
    where exists (select from feedback.scoring_queue q where q.survey_id = s.id)
       or exists (
           select from feedback.score_cell c
           where c.survey_id = s.id and not c.final
             and (c.released_at is null or c.released_at <= cast(:now as timestamptz) - cast(:pause as interval))
             and (
                 (c.indicator_id is not null
                     and c.count - c.released_count >= greatest(cast(:smallest as integer), s.threshold)
                     and 2 * (c.scored - c.released_scored) >= greatest(cast(:smallest as integer), s.threshold))
                 or ((c.period_start + interval '1 month') at time zone b.time_zone) + cast(:grace as interval)
                     <= cast(:now as timestamptz)
             )
       )
    order by s.id
    """
).bindparams(bindparam("smallest", SMALLEST_STEP), bindparam("pause", BETWEEN_RELEASES))


async def surveys_with_work(session: AsyncSession, *, now: datetime, final_grace: timedelta) -> list[UUID]:
    """The surveys whose answers wait, or which have something to let out."""
    connection = await session.connection()
    rows = await connection.execute(_WITH_WORK, {"now": now, "grace": final_grace})
    return list(rows.scalars())


async def asked_in(session: AsyncSession, survey_id: UUID, numbers: Iterable[int]) -> dict[int, Asked]:
    """What some versions of a survey asked, by number."""
    versions = await session.exec(
        select(SurveyVersion).where(
            col(SurveyVersion.survey_id) == survey_id, col(SurveyVersion.number).in_(sorted(set(numbers)))
        )
    )
    return {
        version.number: Asked(version.unit_id, tuple(from_json(question) for question in version.questions))
        for version in versions
    }


async def cells_to_change(
    session: AsyncSession, survey_id: UUID, touched: Iterable[CellKey]
) -> dict[CellKey, ScoreCell]:
    """The cells of a survey that are not final, and those that late answers belong to."""
    starts = sorted({key.period.start for key in touched})
    cells = await session.exec(
        select(ScoreCell)
        .where(col(ScoreCell.survey_id) == survey_id)
        .where(or_(col(ScoreCell.final).is_(False), col(ScoreCell.period_start).in_(starts)))
        .order_by(col(ScoreCell.id))
    )
    return {cell.key: cell for cell in cells}


async def waiting(session: AsyncSession) -> Sequence[Waiting]:
    """The answers that no score counts yet."""
    count = (await session.exec(select(func.count()).select_from(ScoringQueue))).one()
    return [Waiting("scoring", "Answers that no score counts yet", count)]


async def surveys_with_waiting(session: AsyncSession) -> list[tuple[Survey, int]]:
    """Every survey with how many answers no score counts yet, for those who look after the service."""
    waiting = (
        select(func.count()).where(col(ScoringQueue.survey_id) == col(Survey.id)).correlate(Survey).scalar_subquery()
    )
    return list((await session.exec(select(Survey, waiting).order_by(col(Survey.code)))).all())
