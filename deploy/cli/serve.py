"""`steward serve`: the API and the pages of one service."""

from importlib import import_module
from typing import Annotated

import typer

from deploy.cli.options import Service


def serve(
    service: Annotated[Service, typer.Argument(help="Which service.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve one service's API and pages until SIGTERM; its settings are environment variables."""
    from shared.http.serving import server_of

    server_of(import_module(f"services.{service.value}.app").create_app(), host=host, port=port).run()
