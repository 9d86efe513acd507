"""After a restore, or when a topic was lost: `steward events new-log`, `rebase`, `republish`."""

from functools import partial
from importlib import import_module
from typing import Annotated

import typer

from deploy.cli.events.places import WhichService, database_of, finish, owner_says, tables_of
from deploy.cli.options import DataDir, Service, database_url
from shared.clock import current_time
from shared.database import pool_for
from shared.messaging import restore
from shared.messaging.applying import Handling
from shared.messaging.feed import FeedSource


def new_log(
    service: WhichService,
    restored_to: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="The last position that came from the backup; by default the last there is, which is right "
            "where the service has not run since.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Give a service's log a new id, after its database was restored or a standby took over.

    It numbers its next events as it once numbered others, which its followers have applied. With a new id nobody takes
    the one for the other: each follower stops and says so until «steward events rebase». In Kafka mode «steward events
    republish --from 1» comes next.
    """

    async def run() -> None:
        async with pool_for(database_url(service, data_dir), schema=service.value, size=1) as pool:
            renewed = await restore.new_log(pool, tables_of(service), restored_to=restored_to, now=current_time())
        typer.echo(
            f"{service.value}: the log {renewed.previous_log} goes on as {renewed.head.log_id} from position "
            f"{renewed.head.position}; restored to {renewed.restored_to}."
        )
        typer.echo("Now, for each service that follows it:")
        for follower in Service:
            if service.value in import_module(f"services.{follower.value}.worker").FOLLOWS:
                typer.echo(f"  steward events rebase --service {follower.value} --source {service.value}")
        typer.echo(f"And where events go over Kafka:\n  steward events republish --service {service.value} --from 1")

    finish(run())


def rebase(
    service: Annotated[Service, typer.Option(help="The service that follows.")],
    source: Annotated[Service, typer.Option(help="The service that was restored, and has a new log.")],
    data_dir: DataDir = None,
) -> None:
    """Have a follower accept the new log of a service that was restored.

    What it has made from the old log goes, since it may hold what the restore has lost, and is made again from the
    first event of the new one: its pages fill up again within moments. Who may do what is at once as the new log says
    in the end, which is read for it first. What it did because of an event is not done twice.
    """

    async def run() -> None:
        worker = import_module(f"services.{service.value}.worker")
        copies = worker.FOLLOWS.get(source.value)
        if copies is None:
            raise typer.BadParameter(f"{service.value} does not follow {source.value}")
        handling = Handling(worker.HANDLERS)
        log_id = await owner_says(service, source, data_dir, FeedSource.current)
        states = partial(restore.newest_states, log_id=log_id, handling=handling)
        async with database_of(service, data_dir) as (sessions, tables):
            rebased = await restore.rebase(
                sessions,
                tables,
                consumer=service.value,
                source=source.value,
                log_id=log_id,
                states=lambda: owner_says(service, source, data_dir, states),
                handling=handling,
                copies=copies,
                now=current_time(),
            )
        typer.echo(
            f"{service.value} has left the log {rebased.left} of {source.value} at position {rebased.left_at} and "
            f"follows {rebased.log_id} from its first event; {rebased.copies} rows are made anew."
        )

    finish(run())


def republish(
    service: WhichService,
    first: Annotated[int, typer.Option("--from", min=1, help="The first position to send again.")],
    data_dir: DataDir = None,
) -> None:
    """Have a service's log sent to its Kafka topic again, from a position on.

    For a topic that was made anew, or holds what this log does not have. Followers drop what they have applied, and
    fetch what a topic lacks from the feed, so any position will do; 1 sends everything.
    """

    async def run() -> None:
        async with (
            database_of(service, data_dir) as (sessions, tables),
            pool_for(database_url(service, data_dir), schema=service.value, size=1) as pool,
        ):
            head = await restore.republish(sessions, pool, tables, first=first)
        typer.echo(f"{service.value}: positions {first} to {head.position} are sent again within moments.")

    finish(run())
