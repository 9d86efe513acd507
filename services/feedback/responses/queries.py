"""Reading responses back, to compare a repeat with what is stored."""

import json
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.feedback.responses.domain import Content

_STORED = "select id, survey_id, version, language, answers from feedback.response where id = any($1::uuid[])"


async def stored_responses(pool: asyncpg.Pool, survey_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Content | None]:
    """What is stored under these ids; None where an id belongs to a response to another survey."""
    if not ids:
        return {}
    rows = await pool.fetch(_STORED, ids)
    return {
        row["id"]: Content(row["id"], row["version"], row["language"], json.loads(row["answers"]))
        if row["survey_id"] == survey_id
        else None
        for row in rows
    }
