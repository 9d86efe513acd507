"""What every worker process runs: sequencer, publisher, consumers and the service's own loops, until SIGTERM."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import structlog
import uvloop

from shared.clock import current_time
from shared.database import SessionFactory, engine_for, pool_for, sessions_of
from shared.http.client import post_text, service_client
from shared.memory import spare_what_stays
from shared.messaging import metrics
from shared.messaging.anchors import AnchorSettings, anchor
from shared.messaging.applying import Handling
from shared.messaging.consumer import Consumer
from shared.messaging.erasure import handlers_of
from shared.messaging.feed import FeedSource
from shared.messaging.handlers import Handlers
from shared.messaging.kafka_source import Stalled
from shared.messaging.owner_check import Silent
from shared.messaging.pace import Pace
from shared.messaging.progress import Stopped
from shared.messaging.pulse import Pulse
from shared.messaging.sequencer import sequence_once
from shared.messaging.standing import Standings
from shared.messaging.state import Waitings, nothing_waits
from shared.messaging.tables import EventTables as EventTables
from shared.messaging.transport import feed_of, kafka_of, publisher_for, source_for
from shared.messaging.wakeups import APPLIED, SEQUENCED, WRITTEN, Wakeups, pause
from shared.messaging.watching import watch
from shared.readiness import check_ready, newest_migration
from shared.settings import ServiceSettings
from shared.telemetry import configure_logging, in_short, metrics_server
from shared.tracing import tracing

WATCH_EVERY = timedelta(seconds=5)
ANCHOR_IF_DUE_EVERY = timedelta(minutes=1)
GRACE = 10.0
FIRST_RESTART, LONGEST_RESTART = 0.1, 5.0
SETTLED = 30.0
LOOK_AGAIN_WHEN_STOPPED = 30.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a loop of the service may use."""

    sessions: SessionFactory
    settings: ServiceSettings
    now: Callable[[], datetime]
    pool: asyncpg.Pool


@dataclass(frozen=True, slots=True)
class Loop:
    """Work of the service: one step each time, and at once again while there is more (True)."""

    name: str
    every: timedelta
    run: Callable[[WorkerContext], Awaitable[bool]]
    woken_by: str | None = None
    """What is said after a commit that may have left it something to do."""
    rest: timedelta = timedelta()
    """How long it lets things gather once it is woken."""


Running = Coroutine[Any, Any, None] | None
Run = Callable[..., Running]
"""What a service's worker hands its parts to: `run_worker`, or `work` where something else runs in the process."""


def run_worker(
    *,
    service: str,
    settings: ServiceSettings,
    tables: EventTables,
    handlers: Sequence[Handlers],
    follows: Sequence[str],
    loops: Sequence[Loop] = (),
    waitings: Waitings = nothing_waits,
) -> None:
    """Work until SIGTERM or SIGINT, finish the step in hand, and come back."""

    def probed(pulse: Pulse) -> AbstractContextManager[None]:
        probes = {"/livez": pulse.livez, "/readyz": pulse.readyz}
        return metrics_server(settings.metrics_port, settings.metrics_host, probes=probes)

    async def until_signalled() -> None:
        stop = asyncio.Event()
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, stop.set)
        with tracing(f"{service}-worker"):
            await work(
                service=service,
                settings=settings,
                tables=tables,
                handlers=handlers,
                follows=follows,
                loops=loops,
                waitings=waitings,
                probed=probed,
                stop=stop,
            )

    settings.refuse_unsafe()
    configure_logging(service, settings.log_level)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells each step of each rebalance
    uvloop.run(until_signalled())


async def work(
    *,
    service: str,
    settings: ServiceSettings,
    tables: EventTables,
    handlers: Sequence[Handlers],
    follows: Sequence[str],
    loops: Sequence[Loop] = (),
    waitings: Waitings = nothing_waits,
    probed: Callable[[Pulse], AbstractContextManager[object]] = nullcontext,
    stop: asyncio.Event,
) -> None:
    """The worker inside a running loop, until `stop` is set; `probed` has it asked whether it lives.

    Starts connections, then everything else at once: each part waits for what it needs by trying again. Stops loops,
    consumers, publisher and sequencer together, each after its step in hand, then the connections.
    """
    url = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        engine = engine_for(url, schema=tables.schema, application=f"{service}-worker")
        stack.push_async_callback(engine.dispose)
        pulse = Pulse(partial(check_ready, engine, schema=tables.schema, needed=newest_migration(service)))
        stack.callback(asyncio.create_task(pulse.turn(), name="pulse").cancel)
        stack.enter_context(probed(pulse))
        pool = await stack.enter_async_context(
            pool_for(url, schema=tables.schema, size=4, application=f"{service}-worker")
        )
        client = await stack.enter_async_context(service_client(settings))
        context = WorkerContext(sessions_of(engine), settings, current_time, pool)
        hears = {WRITTEN, SEQUENCED, *(each.woken_by for each in loops if each.woken_by)}
        wakeups = Wakeups(url, application=f"{service}-worker", hears=hears)
        wakeups.watch(context.sessions)
        await stack.enter_async_context(wakeups.connected())

        async def sequence_step(_: WorkerContext) -> bool:
            if sequenced := await sequence_once(pool, schema=tables.schema, now=current_time()) > 0:
                wakeups.say(SEQUENCED)
            return sequenced

        standings = Standings()

        async def watch_step(_: WorkerContext) -> bool:
            await watch(context.sessions, tables, standings=standings, waitings=waitings, now=current_time())
            return False

        parts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "sequencer": lambda: _at_pace(sequence_step, context, wakeups, WRITTEN, stop),
            "watch": lambda: _every(Loop("watch", WATCH_EVERY, watch_step), context, wakeups, stop),
        }
        for each in loops:
            parts[each.name] = partial(_every, each, context, wakeups, stop)
        if (anchoring := AnchorSettings()).to is not None:

            async def anchor_step(_: WorkerContext) -> bool:
                await anchor(
                    context.sessions, tables, anchoring, body=settings.body, post=post_text, now=current_time()
                )
                return False

            parts["anchor"] = lambda: _every(Loop("anchor", ANCHOR_IF_DUE_EVERY, anchor_step), context, wakeups, stop)
        if (connection := kafka_of(settings)) is not None:
            publisher = publisher_for(connection, tables, settings, sessions=context.sessions, pool=pool)
            stack.push_async_callback(publisher.close)
            parts["publisher"] = lambda: _at_pace(lambda _: publisher.step(), context, wakeups, SEQUENCED, stop)
        handling = Handling([handlers_of(tables), *handlers])
        for followed in follows:
            feed = feed_of(client, settings, followed, follower=service)
            consumer = Consumer(
                name=service,
                source=followed,
                sessions=context.sessions,
                tables=tables,
                handling=handling,
                feed=feed,
                now=current_time,
                applied=lambda: wakeups.say(APPLIED),
                alive=partial(pulse.beat, followed),
            )
            pulse.beat(followed)
            standings.take_in(f"consumer {followed}", partial(getattr, feed, "head"))
            parts[f"consumer {followed}"] = partial(_follow, consumer, feed, settings, pulse, stop)
        log.info("worker_started", service=service, events=settings.events.split("://")[0], parts=sorted(parts))
        for name in parts.keys() - standings.parts.keys():
            standings.take_in(name)
        tasks = [
            asyncio.create_task(_supervised(name, part, standings, stop), name=name) for name, part in parts.items()
        ]
        spare_what_stays()
        await stop.wait()
        wakeups.wake_all()
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("worker_stopped", service=service)


async def _follow(
    consumer: Consumer, feed: FeedSource, settings: ServiceSettings, pulse: Pulse, stop: asyncio.Event
) -> None:
    pulse.beat(consumer.source)  # started again after a failure, it is no less alive
    await consumer.prepare()
    metrics.CONSUMER_STOPPED.labels(consumer.source).set(0)
    stalled = False
    while not stop.is_set():
        if not consumer.fruitful:
            await _unless_stopped(consumer.catch_up(), stop)
        consumer.fruitful = False
        async with source_for(consumer, feed, settings, from_beginning=stalled) as source:
            stalled = False
            try:
                while not stop.is_set():
                    await _unless_stopped(consumer.step(source), stop)
            except (Stalled, Silent) as error:
                log.warning("consumer_made_anew", source=consumer.source, reason=str(error))
                stalled = isinstance(error, Stalled)
                consumer.fruitful &= stalled


async def _at_pace(
    step: Callable[[WorkerContext], Awaitable[bool]],
    context: WorkerContext,
    wakeups: Wakeups,
    woken_by: str,
    stop: asyncio.Event,
) -> None:
    pace = Pace()
    with wakeups.on(woken_by) as wake:
        while not stop.is_set():
            wake.clear()
            await pause(pace.after(await step(context)), wake)


async def _every(each: Loop, context: WorkerContext, wakeups: Wakeups, stop: asyncio.Event) -> None:
    with wakeups.on(*([each.woken_by] if each.woken_by else [])) as wake:
        while not stop.is_set():
            wake.clear()
            await pause(0.0 if await each.run(context) else each.every.total_seconds(), wake)
            if wake.is_set():
                await pause(each.rest.total_seconds(), stop)


async def _supervised(
    name: str, part: Callable[[], Coroutine[Any, Any, None]], standings: Standings, stop: asyncio.Event
) -> None:
    """Start a part again when it fails: soon at first, then less often; one that stopped for a reason looks again."""
    wait = FIRST_RESTART
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        try:
            await part()
        except Stopped as reason:
            log.critical("part_stopped", part=name, reason=str(reason))
            standings.ran_into(name, str(reason), stopped=True, now=current_time())
            if name.startswith("consumer "):
                metrics.CONSUMER_STOPPED.labels(name.removeprefix("consumer ")).set(1)
            await pause(LOOK_AGAIN_WHEN_STOPPED, stop)
        except Exception as error:
            if asyncio.get_running_loop().time() - began > SETTLED:
                wait = FIRST_RESTART
            log.warning("part_failed", part=name, error=in_short(error), wait=wait)
            standings.ran_into(name, in_short(error), stopped=False, now=current_time())
            await pause(wait, stop)
            wait = min(wait * 2, LONGEST_RESTART)


async def _unless_stopped(step: Coroutine[Any, Any, object], stop: asyncio.Event) -> None:
    """Run a step that may wait long for something to come, and leave it when the worker stops."""
    stepping, stopping = asyncio.ensure_future(step), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((stepping, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not stepping.done():
            stepping.cancel()
            await asyncio.wait((stepping,))
    if not stepping.cancelled():
        stepping.result()
