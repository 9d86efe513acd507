"""Our static files, under addresses that change with their content, so that browsers may keep them for a year."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
FOR_A_YEAR = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"


def static_url(name: str) -> str:
    """The address of a static file, with the beginning of its digest."""
    return f"/static/{name}?{_version(name)}"


@cache
def _version(name: str) -> str:
    return f"v={sha256((FOLDER / name).read_bytes()).hexdigest()[:12]}"


class OurFiles(StaticFiles):
    """What an app mounts at /static: kept for a year under an address with a digest, else for an hour."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # Any other query, kept for a year, would let a link of tomorrow find the file of today.
        is_ours = scope["query_string"].decode("latin-1") == _version(path)
        response.headers["Cache-Control"] = FOR_A_YEAR if is_ours else FOR_AN_HOUR
        return response
