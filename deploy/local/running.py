"""The Steward that runs on a data directory, as its ready file tells of it."""

import json
from pathlib import Path
from typing import Any

from deploy.local.places import CannotRun, default_data_directory, passwords_in
from deploy.postgres.bootstrap import url_of

READY_FILE = "ready.json"


def running_on(directory: Path) -> dict[str, Any]:
    """What the ready file says; CannotRun where nothing runs on the directory."""
    try:
        said: dict[str, Any] = json.loads((directory / READY_FILE).read_text())
    except FileNotFoundError as error:
        raise CannotRun(f"No Steward runs on {directory}: start one with «steward demo».") from error
    return said


def database_of(service: str, data_dir: Path | None) -> str:
    """The URL of a service's own login to its database, in the Steward that runs on a data directory."""
    directory = data_dir or default_data_directory()
    server = running_on(directory)["database_url"]
    return url_of(server, service, user=service, password=passwords_in(directory, [service])[service])
