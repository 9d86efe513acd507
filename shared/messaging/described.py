"""The description of a service's events, for whoever builds a follower."""

from typing import Any

from fastapi import APIRouter, Response

from shared.contracts.asyncapi import document_of
from shared.http.middleware import public_cache


def described_events(service: str) -> APIRouter:
    """`GET /asyncapi.json` of a service."""
    router = APIRouter(include_in_schema=False)

    @router.get("/asyncapi.json")
    async def asyncapi(response: Response) -> dict[str, Any]:
        public_cache(response, 300)
        return document_of(service)

    return router
