"""What the tests of principals and roles ask for again and again."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.goals.service import Goals

ADMIN = "administrator"
NORTHERN = "administrator@north"
NOBODY = "somebody"
"""A token without a role that opens anything."""
CLIENT = "client"
"""The token of a system without a role."""


def id_of(token: str) -> str:
    """The id of the principal behind a token of the tests' verifier."""
    return str(uuid5(NAMESPACE_URL, f"https://issuer.test {token}"))


async def calls(goals: Goals, *tokens: str) -> None:
    """Let principals call for the first time."""
    for token in tokens:
        await goals.get("/v1/body", token)


async def given(goals: Goals, token: str, role: str, unit: str, by: str = ADMIN, **more: Any) -> dict[str, Any]:
    """A role that a principal was given."""
    body = {"principal": id_of(token), "role": role, "unit": unit, **more}
    return await goals.made("/v1/role-assignments", body, by)


async def block(goals: Goals, token: str, by: str = ADMIN, action: str = "block") -> int:
    """The status of blocking a principal."""
    return (await goals.call("POST", f"/v1/principals/{id_of(token)}:{action}", by)).status_code
