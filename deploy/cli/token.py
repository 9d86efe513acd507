"""`steward token`: an access token to try things with."""

import re
import sys
from datetime import timedelta
from typing import Annotated

import typer

from deploy.cli.options import DataDir, plainly
from deploy.local.issuer import issuer_directory, sign
from deploy.local.places import default_data_directory
from deploy.local.roles import all_roles
from shared.ids import CODE_PATTERN


def token(
    role: Annotated[str, typer.Option(help="The role that the token gives, such as data_provider.")],
    unit: Annotated[
        str | None, typer.Option(help="Code of the unit the role is for, with those below it; all if left out.")
    ] = None,
    data_dir: DataDir = None,
    hours: Annotated[int, typer.Option(min=1, max=24 * 30, help="How long the token is good.")] = 24,
) -> None:
    """Print an access token of the local issuer, for one role.

    Send it as «Authorization: Bearer …», or paste it under Authorize in /docs.
    """
    known = all_roles()
    if role not in known:
        raise typer.BadParameter(f"{role} is no role here; these are: {', '.join(known)}.")
    if unit is not None and not re.match(CODE_PATTERN, unit):
        raise typer.BadParameter(f"{unit} is no code of a unit.")
    with plainly():
        made = sign(issuer_directory(data_dir or default_data_directory()), role, unit, timedelta(hours=hours))
    sys.stdout.write(made + "\n")
