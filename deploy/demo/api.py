"""One service as the loader calls it: requests that may be repeated, with their progress shown."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from rich.progress import Progress

from shared.http.client import bearer_client

PATIENCE = 120.0
"""Seconds without any progress after which the loader gives up."""


class LoadFailed(Exception):
    """A service did not take what the demo sent; the message holds its answer."""


def in_batches(items: Sequence[dict[str, Any]], size: int) -> list[list[dict[str, Any]]]:
    """The items in lists of at most `size`."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


class Api:
    """A client of one service."""

    def __init__(self, base_url: str, token: str | None, progress: Progress) -> None:
        self._client = bearer_client(base_url, token)
        self._progress = progress

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **parameters: str) -> Any:
        """What a path answers."""
        answer = await self._client.get(path, params=parameters)
        if answer.status_code != 200:
            raise LoadFailed(f"GET {path}: {answer.status_code} {answer.text}")
        return answer.json()

    async def post(self, path: str, body: object = None, *, after: str | None = None) -> Any:
        """What a path answers to a body, which it may have got before; waits for what `after` names."""
        headers = {"Idempotency-Key": _key(path, body)}
        parameters = {}
        if after:
            headers["Steward-After"] = after
            parameters["wait"] = "10"
        answer = await self._client.post(path, json=body, headers=headers, params=parameters)
        if answer.status_code not in {200, 201, 207}:
            raise LoadFailed(f"POST {path}: {answer.status_code} {answer.text}")
        told = answer.json()
        refused = [item for item in told["items"] if item["status"] >= 400] if answer.status_code == 207 else []
        if refused:
            raise LoadFailed(f"POST {path}: {len(refused)} items were refused, the first with {refused[0]}")
        return told

    async def post_batches(self, title: str, path: str, batches: Sequence[Sequence[object]]) -> None:
        """Post each batch, one after the other, showing how many items are in."""
        task = self._progress.add_task(title, total=sum(map(len, batches)))
        for batch in batches:
            await self.post(path, {"items": batch})
            self._progress.advance(task, len(batch))

    async def watch(self, title: str, done: Callable[[], Awaitable[int]], *, total: int) -> None:
        """Show how far something has come until it is there."""
        task = self._progress.add_task(title, total=total)
        waited, before = 0.0, -1
        while (now := await done()) < total:
            waited = 0.0 if now > before else waited + 0.25
            if waited > PATIENCE:
                raise LoadFailed(f"{title}: {now} of {total} after {PATIENCE:.0f} s without progress")
            before = now
            self._progress.update(task, completed=now)
            await asyncio.sleep(0.25)
        self._progress.update(task, completed=total)

    def steps(self, title: str, total: int) -> Iterator[int]:
        """Count from 0 to below `total`, showing it."""
        task = self._progress.add_task(title, total=total)
        for step in range(total):
            yield step
            self._progress.advance(task)


def _key(path: str, body: object) -> str:
    """The same key for the same request: a load that was cut off is run again without harm."""
    return f"demo-{hashlib.sha256(f'{path} {json.dumps(body)}'.encode()).hexdigest()[:40]}"
