"""Optimistic concurrency: the version is the ETag, and a change names the version it has seen."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.responses import Response

from shared.errors import PreconditionFailed, ServiceError
from shared.http.refusals import BadRequest

_TAG = re.compile(r'^(?:W/)?"([0-9]{1,18})(?:-(?:gzip|br|zstd))?"$')


class IfMatchMissing(ServiceError):
    """A change must say in If-Match which version it changes: send the ETag that you have read."""

    kind = "precondition-required"
    code = "if_match_missing"
    title = "Say which version you change"


class BadIfMatch(BadRequest):
    """If-Match holds something that was never an ETag of ours."""

    code = "bad_if_match"
    title = "If-Match cannot be read"


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def set_etag(response: Response, version: int) -> None:
    """Tell the version with the answer."""
    response.headers["ETag"] = etag(version)


async def seen_version(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag you have read; weak, or with a proxy's -gzip, will do",
            examples=['"3"'],
            json_schema_extra={"pattern": _TAG.pattern, "maxLength": 40},
        ),
    ] = None,
) -> int:
    """The version that the caller has read and means to change."""
    if if_match is None:
        raise IfMatchMissing("Send If-Match with the ETag of what you have read.")
    if (matched := _TAG.match(if_match.strip())) is None:
        raise BadIfMatch('If-Match takes one ETag as it was given, such as "3".')
    return int(matched[1])


IfMatch = Annotated[int, Depends(seen_version)]


def check_version(if_match: int, current: int) -> None:
    """Refuse to change what somebody else has changed since; call it after the permission and under the row's lock."""
    if if_match != current:
        raise PreconditionFailed(
            f"You have read version {if_match}; the current one is {current}.", facts={"current_version": current}
        )


def not_modified(request: Request, tag: str) -> bool:
    """Whether the caller's copy (If-None-Match) is still good, so that 304 will do."""
    candidates = request.headers.get("if-none-match", "")
    bare = tag.removeprefix("W/")
    return any(_bare(each) in (bare, "*") for each in candidates.split(",") if each.strip())


def _bare(candidate: str) -> str:
    return re.sub(r'-(?:gzip|br|zstd)"$', '"', candidate.strip().removeprefix("W/"))
