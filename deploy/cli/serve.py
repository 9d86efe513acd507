"""`steward serve`: the API and the pages of one service, with its worker beside them where asked for."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import Service, plainly

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve(
    service: Annotated[Service, typer.Argument(help="Which service.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Run its worker in the same process.")] = False,
) -> None:
    """Serve one service's API and pages until SIGTERM; its settings are environment variables.

    With its worker: that starts after the API and stops when the last request is answered, after the step in hand.
    """
    from shared.http.serving import server_of

    with plainly():
        app = import_module(f"services.{service.value}.app").create_app()
    server = server_of(app, host=host, port=port)
    failures: list[BaseException] = []

    def ended(working: asyncio.Task[None]) -> None:
        """A worker that fails takes the process with it, as it would alone: whoever runs us starts both again."""
        if not working.cancelled() and (error := working.exception()):
            failures.append(error)
            server.should_exit = True

    if with_worker:
        _work_beside(app, service.value, ended)
    server.run()
    if failures:
        raise failures[0]


def _work_beside(app: "FastAPI", service: str, ended: Callable[[asyncio.Task[None]], None]) -> None:
    from shared.messaging.worker import work

    alone = app.router.lifespan_context
    main = import_module(f"services.{service}.worker").main

    @asynccontextmanager
    async def both(app: "FastAPI") -> AsyncIterator[None]:
        """Start the API, then the worker; stop the worker, then the API: by then no request is left."""
        logging.getLogger("aiokafka").setLevel(logging.WARNING)
        async with alone(app):
            stop = asyncio.Event()
            working = asyncio.create_task(main(app.state.settings, partial(work, stop=stop)), name="worker")
            working.add_done_callback(ended)
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait([working])

    app.router.lifespan_context = both
