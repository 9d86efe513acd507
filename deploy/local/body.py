"""The one body a deployment serves: described here, founded through goals."""

from dataclasses import dataclass

from services.goals.organisation.operations import establish_body
from services.goals.people.operations import appoint_administrator
from shared.clock import current_time
from shared.database import sessions_at, transaction


@dataclass(frozen=True, slots=True)
class Founding:
    """What must be known of a body to found it."""

    slug: str
    name: dict[str, str]
    language: str = "en"
    time_zone: str = "Europe/London"
    start_month: int = 4


DEMO_BODY = Founding(slug="england", name={"en": "NHS in England"})
"""The body of the demo, whose record of waiting times covers the National Health Service in England."""


async def found(body: Founding, goals_url: str) -> None:
    """Write the body, its first calendar and its root unit, unless they are there."""
    async with (
        sessions_at(goals_url, schema="goals", application="steward-bootstrap") as sessions,
        transaction(sessions) as session,
    ):
        await establish_body(
            session,
            slug=body.slug,
            name=body.name,
            language=body.language,
            time_zone=body.time_zone,
            start_month=body.start_month,
            now=current_time(),
        )


async def appoint(issuer: str, subject: str, goals_url: str) -> bool:
    """Make a subject of an issuer administrator of the whole body; gives whether that changed anything."""
    async with (
        sessions_at(goals_url, schema="goals", application="steward-bootstrap") as sessions,
        transaction(sessions) as session,
    ):
        return await appoint_administrator(session, issuer=issuer, subject=subject, now=current_time())
