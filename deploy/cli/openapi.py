"""`steward openapi`: the description of a service's API, without running it."""

import json
import sys
from importlib import import_module
from typing import Annotated

import typer
from fastapi import FastAPI

from deploy.cli.options import Service
from shared.settings import ServiceSettings


def application_of(service: str) -> FastAPI:
    """A service's application, connected to nothing, to look at what it serves."""
    settings: type[ServiceSettings] = getattr(
        import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings"
    )
    nowhere = {f"{service.upper()}_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "env": "local"}
    app: FastAPI = import_module(f"services.{service}.app").create_app(settings.model_validate(nowhere))
    return app


def openapi(service: Annotated[Service, typer.Argument(help="goals, feedback or reporting")]) -> None:
    """Print the OpenAPI description of a service as JSON."""
    json.dump(application_of(service).openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
