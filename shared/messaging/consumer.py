"""Following another service's log: each batch and the progress row in one transaction, whatever the source."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Protocol
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import SessionFactory, transaction
from shared.messaging import metrics
from shared.messaging.applying import Handling, runs
from shared.messaging.chain import GENESIS
from shared.messaging.dead_letters import count_between, resolve_older_states, set_aside
from shared.messaging.envelope import Envelope
from shared.messaging.progress import (
    Gap,
    Held,
    Stopped,
    advance,
    continuing,
    progress_for_update,
    progress_of,
    record_types,
)
from shared.messaging.tables import EventTables
from shared.telemetry import in_short

MOST_EVENTS = 1000
LONGEST_TRANSACTION = 1.0
FIRST_RETRY, LONGEST_RETRY = 0.1, 30.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Brake:
    """Stop after this many dead letters among the last events: then we are wrong, not the messages."""

    failures: int = 20
    within: int = 100


class BrakeApplied(Stopped):
    """Too many of the last events could not be applied; replay them once the reason is mended."""


class FeedBehind(Exception):
    """The owner's feed does not have what we miss, though something later has reached us; it is asked again."""


class _TypesDiffer(Exception):
    """The row was left by a release that handles other types; their past comes first."""


class Source(Protocol):
    """Where events come from: a feed, or Kafka."""

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The next events, soon; none if there are none."""
        ...

    async def applied(self) -> None:
        """What was taken is applied and committed."""
        ...


class Feed(Protocol):
    """The owner's feed, which has everything."""

    async def after(self, *, log_id: UUID | None, position: int, hash_: bytes, wait: float = 0) -> Sequence[Envelope]:
        """The events that follow a position and hash; raises ForeignLog where the log does not hold them."""
        ...


class Consumer:
    """One service following the log of another."""

    def __init__(
        self,
        *,
        name: str,
        source: str,
        sessions: SessionFactory,
        tables: EventTables,
        handling: Handling,
        feed: Feed,
        now: Callable[[], datetime],
        applied: Callable[[], None] = lambda: None,
        alive: Callable[[], None] = lambda: None,
        brake: Brake | None = None,
    ) -> None:
        self.name, self.source = name, source
        self._sessions, self._tables, self._handling, self._feed, self._now = sessions, tables, handling, feed, now
        self._say_applied, self._say_alive = applied, alive
        self._types = handling.types_from(source)
        self.look_into = handling.look_into
        """What can be done with events before their turn."""
        self._brake = brake or Brake()
        self._reached: Held | None = None
        self.fruitful = True
        """Whether the source that is followed, or was before it failed, has given anything."""

    async def held(self) -> Held | None:
        """How far we are."""
        async with transaction(self._sessions) as session:
            return await progress_of(session, self._tables.progress, self.name, self.source)

    async def step(self, events: Source) -> bool:
        """Take the next events and apply them, however often that has to be tried; False if there were none.

        After a full batch we go on from where it left us without asking for the row: it decides when it is locked,
        and whoever moved it meanwhile is heard after the last full batch, or after a failure.
        """
        reached, self._reached = self._reached, None
        arrived = await events.take(reached or await self.held())
        if arrived:
            self.fruitful = True
            applied = await self._until_it_succeeds(lambda: self.apply(arrived))
            self._reached = applied if len(arrived) >= MOST_EVENTS else None
        else:
            metrics.CONSUMER_LAG.labels(self.source).set(0)
        await events.applied()
        self._say_alive()
        return bool(arrived)

    async def catch_up(self) -> None:
        """Apply what the owner's feed has, where a topic is stuck or away.

        An owner that does not answer, or a database that does not, is none of the topic's concern: both come again.
        """
        try:
            while held := await self.held():
                missed = await self._feed.after(log_id=held.log_id, position=held.position, hash_=held.hash)
                await self.apply(missed)
                if len(missed) < MOST_EVENTS:
                    return
        except Stopped:
            raise
        except Exception as error:
            log.info("not_caught_up", source=self.source, error=in_short(error))

    async def apply(self, arrived: Sequence[Envelope]) -> Held | None:
        """Apply what is new of a batch, in order; what lies between is fetched from the owner's feed first.

        Gives what we hold then, or None where nothing has arrived.
        """
        held = None
        for _, of_one_log in groupby(arrived, key=lambda event: event.log_id):
            waiting = list(of_one_log)
            while waiting:
                try:
                    held = await self._apply_some(waiting[:MOST_EVENTS])
                except Gap as gap:
                    await self._fill(gap)
                except _TypesDiffer:
                    await self.prepare()
                else:
                    # All of a log that was left are dropped, and what another member has applied meanwhile.
                    here = held.log_id == waiting[0].log_id
                    waiting = [event for event in waiting if here and event.position > held.position]
        return held

    async def prepare(self) -> None:
        """Apply the past of the types that this release handles and the one before it did not."""
        done, hashed = 0, GENESIS
        while (held := await self.held()) and set(held.types) != self._types:
            added = self._types - set(held.types)
            past: Sequence[Envelope] = ()
            if added and done < held.position:
                past = await self._feed.after(log_id=held.log_id, position=done, hash_=hashed)
                if not past:
                    raise FeedBehind(f"The feed of {self.source} ends at {done}, before our {held.position}.")
            async with transaction(self._sessions) as session:
                locked = await self._locked(session, held.log_id)
                if await self._braked(session, held.log_id, done):
                    raise self._brake_applied()
                wanted = [event for event in past if event.position <= locked.position and event.type in added]
                last = await self._apply_runs(session, wanted) if wanted else None
                done_with = [event for event in wanted if last is not None and event.position <= last.position]
                await resolve_older_states(session, self._tables.dead_letter, done_with, now=self._now())
                if past:
                    reached = past[-1] if last is None or last is wanted[-1] else last
                    done, hashed = reached.position, reached.hash
                self._say_alive()
                if not added or done >= locked.position:
                    await record_types(session, self._tables.progress, locked, self._types)
                    log.info("event_types_recorded", source=self.source, added=sorted(added))

    async def _apply_some(self, part: Sequence[Envelope]) -> Held:
        """One transaction: fence, check, apply in order, remember. What we hold then."""
        async with transaction(self._sessions) as session:
            held = await self._locked(session, part[0].log_id)
            if set(held.types) != self._types:
                raise _TypesDiffer
            fresh = continuing(held, part)
            metrics.REDELIVERED.labels(self.source).inc(sum(event.position <= held.position for event in part))
            if not fresh:
                return held
            if await self._braked(session, held.log_id, held.position):
                raise self._brake_applied()
            last = await self._apply_runs(session, fresh)
            await resolve_older_states(session, self._tables.dead_letter, fresh, now=self._now())
            await advance(session, self._tables.progress, held, last)
        self._say_applied()
        self._say_alive()
        metrics.CONSUMED_POSITION.labels(self.source).set(last.position)
        metrics.CONSUMER_MOVED.labels(self.source).set(self._now().timestamp())
        metrics.CONSUMER_LAG.labels(self.source).set(max(0.0, (self._now() - last.recorded_at).total_seconds()))
        return replace(held, position=last.position, hash=last.hash, recorded_at=last.recorded_at)

    async def _apply_runs(self, session: AsyncSession, fresh: Sequence[Envelope]) -> Envelope:
        """Apply runs until the transaction has lasted long enough or the brake holds; the last event that is done."""
        started = time.monotonic()
        last = fresh[-1]
        for run in runs(fresh):
            if not self._handling.wants(run[0].type):
                metrics.PASSED_OVER.labels(run[0].type).inc(len(run))
                last = run[-1]
                continue
            metrics.APPLIED.labels(self.source).inc(len(run))
            if braked := await self._brake_in(session, run):
                return braked
            last = run[-1]
            if time.monotonic() - started > LONGEST_TRANSACTION:
                break
        return last

    async def _brake_in(self, session: AsyncSession, run: Sequence[Envelope]) -> Envelope | None:
        """Apply a run; where it fails, half by half, so that only culprits are set aside. Where the brake holds."""
        error = await self._handling.attempt(session, run)
        if error is None:
            return None
        if len(run) > 1:
            middle = len(run) // 2
            return await self._brake_in(session, run[:middle]) or await self._brake_in(session, run[middle:])
        (event,) = run
        reason = in_short(error)
        log.error("event_set_aside", type=event.type, position=event.position, reason=reason)
        await set_aside(session, self._tables.dead_letter, event, consumer=self.name, reason=reason, now=self._now())
        return event if await self._braked(session, event.log_id, event.position) else None

    async def _locked(self, session: AsyncSession, log_id: UUID) -> Held:
        return await progress_for_update(
            session,
            self._tables.progress,
            consumer=self.name,
            source=self.source,
            log_id=log_id,
            types=self._types,
        )

    async def _braked(self, session: AsyncSession, log_id: UUID, position: int) -> bool:
        failures = await count_between(
            session,
            self._tables.dead_letter,
            consumer=self.name,
            log_id=log_id,
            after=position - self._brake.within,
            up_to=position,
        )
        return failures >= self._brake.failures

    def _brake_applied(self) -> BrakeApplied:
        return BrakeApplied(
            f"{self._brake.failures} of the last {self._brake.within} events of {self.source} could not be applied: "
            f"mend the reason, then «steward events replay --service {self._tables.schema}»."
        )

    async def _fill(self, gap: Gap) -> None:
        position, hashed = gap.held.position, gap.held.hash
        log.info("gap_filled_from_feed", source=self.source, after=position, before=gap.before)
        while position < gap.before - 1:
            missing = await self._feed.after(log_id=gap.held.log_id, position=position, hash_=hashed)
            if not missing:
                raise FeedBehind(f"The feed of {self.source} ends at {position}, before {gap.before}.")
            await self.apply(missing)
            position, hashed = missing[-1].position, missing[-1].hash

    async def _until_it_succeeds(self, attempt: Callable[[], Awaitable[Held | None]]) -> Held | None:
        wait = FIRST_RETRY
        while True:
            self._say_alive()
            try:
                return await attempt()
            except Stopped:
                raise
            except Exception as error:
                metrics.RETRIES.labels(self.source).inc()
                self._say_alive()
                log.warning("batch_failed", source=self.source, error=in_short(error), wait=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_RETRY)
