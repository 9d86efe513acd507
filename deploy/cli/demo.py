"""`steward demo`: everything on this machine, loaded with a real public record, until Ctrl-C."""

import asyncio
import signal
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.options import AdministratorSettings, DataDir, console, plainly
from deploy.local.ports import DEFAULT_BASE

if TYPE_CHECKING:
    from deploy.local.stack import Stack


class EventsOption(StrEnum):
    """How the services' events travel."""

    FEED = "feed"
    KAFKA = "kafka"


def demo(
    events: Annotated[
        EventsOption, typer.Option(help="How events travel: over HTTP feeds, or through a real local Kafka.")
    ] = EventsOption.FEED,
    data_dir: DataDir = None,
    port_base: Annotated[
        int, typer.Option(help="The first port; services are at +1 to +3, PostgreSQL at +10.", min=1024, max=65000)
    ] = DEFAULT_BASE,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write addresses, tokens and process ids here once everything answers.", show_default=False),
    ] = None,
    load: Annotated[bool, typer.Option("--load/--no-load", help="Load the demo's data, or start empty.")] = True,
) -> None:
    """Run all of Steward on this machine, with real data in it, until Ctrl-C; a second run finds its data again.

    DATABASE_URL, the administrator's URL of a PostgreSQL server, replaces the PostgreSQL that comes along.
    """
    with plainly():
        asyncio.run(_until_stopped(_Demo(events, data_dir, port_base, ready_file, load)))


class _Demo:
    """One run of the demo."""

    def __init__(
        self, events: EventsOption, data_dir: Path | None, port_base: int, ready_file: Path | None, load: bool
    ) -> None:
        from deploy.local.stack import Stack

        self._began = time.monotonic()
        self._load = load
        self.stack = Stack(
            events="kafka" if events is EventsOption.KAFKA else "feed",
            data_dir=data_dir,
            port_base=port_base,
            ready_file=ready_file,
            database_url=AdministratorSettings().database_url,
            report=lambda step: console.print(f"{step} …", markup=False, highlight=False),
        )

    async def run(self) -> None:
        """Start, load, say where everything is, and wait."""
        stack = self.stack
        await stack.start()
        loaded = await load_once(stack.directory, stack.urls, stack.tokens) if self._load else {}
        seconds = time.monotonic() - self._began
        await stack.announce(loaded=loaded, seconds=seconds)
        _print_welcome(stack, seconds, loaded=bool(loaded))
        await stack.watch()


async def _until_stopped(demo: _Demo) -> None:
    """Run until it fails or a signal comes; then stop everything, and let a second signal not cut that short."""
    running = asyncio.create_task(demo.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        console.print("Stopping …")
    finally:
        await demo.stack.stop()


async def load_once(directory: Path, urls: Mapping[str, str], tokens: Mapping[str, str]) -> dict[str, Any]:
    """Load the demo's data through the public APIs, unless this data directory has it; and what was loaded."""
    import dataclasses
    import json

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from deploy.demo.load import load
    from deploy.local.places import write_private

    file = directory / "loaded.json"
    if file.exists():
        kept: dict[str, Any] = json.loads(file.read_text())
        return kept
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        loaded = dataclasses.asdict(await load(urls, tokens, progress, directory / "clock"))
    write_private(file, json.dumps(loaded, default=str, indent=2))
    return loaded


def _print_welcome(stack: "Stack", seconds: float, *, loaded: bool) -> None:
    from deploy.demo.next_steps import next_steps, write_twelve_answers

    def line(text: str = "", style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    line()
    line(f"Steward is ready after {seconds:.1f} seconds.", "bold green")
    for service, url in stack.urls.items():
        line(f"  {service:<12}{url}    API: {url}/docs")
    line(f"  {'PostgreSQL':<12}{stack.database_url}")
    if stack.kafka:
        line(f"  {'Kafka':<12}{stack.kafka}")
    line()
    line("Sign in with a browser, no password asked:", "bold")
    for role, address in stack.sign_in.items():
        line(f"  {role:<21}{address}")
    line()
    line("A token per role, good for 30 days on this machine:", "bold")
    for role, token in stack.tokens.items():
        line(f"  {role}")
        line(f"    {token}", "dim")
    if loaded:
        write_twelve_answers(stack.directory)
        line()
        line("Next things to try:", "bold")
        for title, command in next_steps(stack.urls, stack.tokens, stack.directory):
            line(f"# {title}", "cyan")
            line(command)
    line()
    line("Ctrl-C stops everything; the data stays for the next run.")
