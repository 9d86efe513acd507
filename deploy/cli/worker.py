"""`steward worker`: what one service does that nobody waits for."""

from importlib import import_module
from typing import Annotated

import typer

from deploy.cli.options import Service, plainly


def worker(service: Annotated[Service, typer.Argument(help="Which service.")]) -> None:
    """Run one service's sequencer, publisher, consumers and timed work until SIGTERM.

    Two per service may run; the second waits until the first is gone.
    """
    with plainly():
        import_module(f"services.{service.value}.worker").main()
