"""A worker that kills itself at a chosen point of the event path; run as a process of its own.

`python -m tests.chaos.doomed POINT PASSES`: the real workers of goals and reporting in one process, which dies with
SIGKILL when it comes to the point for the PASSES-th time. The point `never` lives until it is told to stop.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.schema import EVENT_TABLES as GOALS
from services.goals.settings import GoalsSettings
from services.reporting.schema import EVENT_TABLES as REPORTING
from services.reporting.settings import ReportingSettings
from shared.contracts import UnitChanged
from shared.messaging import transport
from shared.messaging.handlers import Received
from shared.messaging.kafka import Sender
from shared.messaging.kafka_source import KafkaSource
from shared.messaging.worker import work
from tests.chaos.points import BEFORE_SEND, ChaosSettings, Point

_JOURNAL = text("insert into reporting_read.journal (id, subject, version) values (:id, :subject, :version)")


async def note(session: AsyncSession, events: Sequence[Received[UnitChanged]]) -> None:
    """Write down each event that is applied, in order; nothing here would notice one that comes twice."""
    connection = await session.connection()
    for event in events:
        row: dict[str, UUID | int] = {"id": event.id, "subject": event.subject, "version": event.subject_version}
        await connection.execute(_JOURNAL, row)


def doom(point: Point, passes: int) -> None:
    """Put the kill into the place between two steps that must not be one."""
    left = [passes]

    def pass_by(here: Point) -> None:
        if here == point:
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    send: Callable[..., Awaitable[None]] = Sender.send
    applied: Callable[[KafkaSource], Awaitable[None]] = KafkaSource.applied

    async def sending(self: Sender, records: Sequence[Any], *, within: float) -> None:
        pass_by(BEFORE_SEND)
        await send(self, records, within=within)
        pass_by("between acknowledgement and cursor")

    async def committing(self: KafkaSource) -> None:
        pass_by("between consumer commit and offset")
        await applied(self)

    Sender.send = sending  # type: ignore[method-assign]  # this process is made to be broken
    KafkaSource.applied = committing  # type: ignore[method-assign]  # as above


async def main(point: Point, passes: int) -> None:
    """Run both workers until SIGTERM, or until the point is reached."""
    chaos = ChaosSettings()
    transport.topic_of = lambda service: f"{chaos.chaos_prefix}.{service}.events"
    doom(point, passes)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.gather(
        work(service="goals", settings=GoalsSettings(), tables=GOALS, handlers=[], follows=[], stop=stop),
        work(
            service="reporting",
            settings=ReportingSettings(),
            tables=REPORTING,
            handlers=[{UnitChanged: note}],
            follows=["goals"],
            stop=stop,
        ),
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))  # type: ignore[arg-type]  # a Point, given by the test
