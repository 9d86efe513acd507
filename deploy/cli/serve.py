"""`steward serve`: the API and the pages of one service."""

import gc
import socket
from importlib import import_module
from typing import Annotated

import typer

from deploy.cli.options import Service

GRACE = 10
"""Seconds that requests in flight get when the process is asked to stop."""


def serve(
    service: Annotated[Service, typer.Argument(help="Which service.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve one service's API and pages until SIGTERM; its settings are environment variables."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Start, then take everything that will live as long as the process out of the collector's sight."""
            await super().startup(sockets)
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 20)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Let go of those who wait for events, then let everybody else finish."""
            app.state.stopping = True
            await super().shutdown(sockets)

    app = import_module(f"services.{service.value}.app").create_app()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    Server(config).run()
