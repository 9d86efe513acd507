"""A service restored to an earlier moment, and what its followers make of it."""

from collections.abc import Sequence
from functools import partial

import asyncpg
from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from shared.messaging.applying import Handling
from shared.messaging.consumer import Consumer, Source
from shared.messaging.handlers import Handlers
from shared.messaging.progress import ForeignLog
from shared.messaging.restore import Copies, Rebased, newest_states, rebase
from tests.shared.messaging.events import NOW, Service
from tests.shared.messaging.following import UNITS, LogFeed


class Seen(SQLModel, table=True):
    """The read model of the tests, as something that can be dropped."""

    metadata = MetaData(schema="reporting_read")

    unit_id: str = Field(primary_key=True)


async def restored(service: Service, position: int) -> None:
    """The log as a backup has it that was made at a position: what came later is gone, and nobody says so."""
    admin = await asyncpg.connect(service.database.admin_url, server_settings={"search_path": service.tables.schema})
    await admin.execute("alter table event_log disable trigger user")
    await admin.execute("delete from event_log where position > $1", position)
    await admin.execute("alter table event_log enable trigger user")
    await admin.execute(
        "update log_head set (position, hash, recorded_at) = "
        "(select position, hash, recorded_at from event_log where position = $1)",
        position,
    )
    await admin.execute(
        "update cursor set (position, hash, holder) = (select position, hash, null::uuid from event_log "
        "where position = $1) where position > $1",
        position,
    )
    await admin.close()


async def reasons(consumers: Sequence[Consumer], sources: Sequence[Source]) -> list[str]:
    """Why each follower has stopped, stepping until it does; a follower that does not is none."""
    found = []
    for consumer, source in zip(consumers, sources, strict=True):
        try:
            for _ in range(50):
                await consumer.step(source)
        except ForeignLog as reason:
            found.append(str(reason))
    return found


async def goes_over(
    follower: Service, owner: Service, *, handlers: Sequence[Handlers] = (UNITS,), copies: Copies | None = None
) -> Rebased:
    """The follower accepts the owner's new log."""
    feed, handling = LogFeed(owner, piece=2), Handling(handlers)
    log_id = await feed.current()
    if copies is None:
        copies = Copies(dropped=(Seen,)) if follower.tables.schema == "reporting" else Copies()
    return await rebase(
        follower.sessions,
        follower.tables,
        consumer=follower.tables.schema,
        source=owner.tables.schema,
        log_id=log_id,
        states=partial(newest_states, feed, log_id=log_id, handling=handling),
        handling=handling,
        copies=copies,
        now=NOW,
    )
