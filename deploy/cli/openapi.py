"""`steward openapi`: the description of a service's API, without running it, held against the committed one."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI

from deploy.cli.options import Service
from deploy.postgres.bootstrap import SERVICES
from shared.clock import current_time
from shared.http.changes import breaches
from shared.settings import ServiceSettings

_SERVICES = Path(__file__).parents[2] / "services"


def application_of(service: str) -> FastAPI:
    """A service's application, connected to nothing, to look at what it serves."""
    settings: type[ServiceSettings] = getattr(
        import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings"
    )
    nowhere = {f"{service.upper()}_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "env": "local"}
    app: FastAPI = import_module(f"services.{service}.app").create_app(settings.model_validate(nowhere))
    return app


def committed(service: str) -> Path:
    """The file that holds what clients of a service were promised."""
    return _SERVICES / service / "openapi.json"


def openapi(
    service: Annotated[Service | None, typer.Argument(help="goals, feedback or reporting; all, if left out")] = None,
    check: Annotated[bool, typer.Option("--check", help="Fail where the committed document differs")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the documents, unless a promise would break")] = False,
) -> None:
    """Print the OpenAPI description of a service as JSON, or hold the committed ones to it."""
    services = [service] if service else list(SERVICES)
    if not check and not write:
        for each in services:
            sys.stdout.write(document_of(each))
        return
    faults = [fault for each in services for fault in faults_of(each, write=write)]
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


def document_of(service: str) -> str:
    """A service's OpenAPI document as it is committed."""
    return json.dumps(application_of(service).openapi(), indent=2, ensure_ascii=False) + "\n"


def faults_of(service: str, *, write: bool = False) -> list[str]:
    """What stands between a service and its committed document: broken promises, or that it was not written anew."""
    file, current = committed(service), document_of(service)
    released = file.read_text("utf-8") if file.exists() else current
    today = current_time().date().isoformat()
    if broken := breaches(json.loads(released), json.loads(current), today=today):
        return [f"{service}: {each}" for each in broken]
    if write:
        file.write_text(current, "utf-8")
        return []
    if file.exists() and released == current:
        return []
    return [f"{service}: services/{service}/openapi.json is not what the code serves; run steward openapi --write"]
