"""How each part of a worker stands, written down every few seconds so that an API process can tell it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, DateTime, Text, case, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

_Instant: Any = DateTime(timezone=True)
_TABLE = """
create table {schema}.standing (
    part text primary key,
    alive_at timestamptz not null,
    troubled_at timestamptz,
    trouble text,
    stopped boolean not null default false,
    head bigint
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""


class StandingColumns(SQLModel):
    """One part of the worker: when it was last alive, and what it last ran into."""

    __tablename__: ClassVar[str] = "standing"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel declares it as a directive

    part: str = Field(sa_type=Text, primary_key=True)
    alive_at: datetime = Field(sa_type=_Instant)
    troubled_at: datetime | None = Field(default=None, sa_type=_Instant)
    trouble: str | None = Field(default=None, sa_type=Text)
    stopped: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": "false"})
    """It stopped on purpose, since going on would do harm; otherwise it is started again by itself."""
    head: int | None = Field(default=None, sa_type=BigInteger)
    """Of a consumer: where the log that it follows ended when its owner last said so."""


def standing_table(schema: str) -> str:
    """The statement that makes the table in a service's schema."""
    return _TABLE.format(schema=schema).strip()


@dataclass(slots=True)
class _Part:
    head: Callable[[], int | None]
    trouble: str | None = None
    troubled_at: datetime | None = None
    stopped: bool = False


@dataclass(slots=True)
class Standings:
    """The parts of one worker process, as it sees them."""

    parts: dict[str, _Part] = field(default_factory=dict)

    def take_in(self, part: str, head: Callable[[], int | None] = lambda: None) -> None:
        """A part that this process runs; `head` says where the log that it follows ends."""
        self.parts[part] = _Part(head)

    def ran_into(self, part: str, trouble: str, *, stopped: bool, now: datetime) -> None:
        """What went wrong with a part; it stays the last trouble until there is another."""
        known = self.parts[part]
        known.trouble, known.troubled_at, known.stopped = trouble, now, stopped


async def write_down(
    session: AsyncSession, standing: type[StandingColumns], standings: Standings, *, now: datetime
) -> None:
    """Say that the parts of this process are alive, and what they last ran into.

    The worker that stands by writes the same rows: the newest trouble counts, whoever saw it.
    """
    if not standings.parts:
        return
    rows = [
        {
            "part": name,
            "alive_at": now,
            "troubled_at": part.troubled_at,
            "trouble": part.trouble,
            "stopped": part.stopped,
            "head": part.head(),
        }
        for name, part in sorted(standings.parts.items())
    ]
    statement = insert(standing).values(rows)
    told, kept = statement.excluded, standing
    is_news = told.troubled_at.is_not(None) & (func.coalesce(kept.troubled_at <= told.troubled_at, True))
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["part"],
            set_={
                "alive_at": func.greatest(kept.alive_at, told.alive_at),
                "head": func.coalesce(told.head, kept.head),
                **{
                    name: case((is_news, told[name]), else_=getattr(kept, name))
                    for name in ("troubled_at", "trouble", "stopped")
                },
            },
        )
    )
