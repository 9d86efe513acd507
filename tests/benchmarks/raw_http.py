"""HTTP/1.1 with as little of our own as possible, so that the client is not what is measured."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self


class Connection:
    """One kept-alive connection."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str] | None = None) -> None:
        self._host = host
        self._port = port
        self._headers = dict(headers or {})

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(content)}"]
        if body is not None:
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in {**self._headers, **(headers or {})}.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status, *rest = head.split("\r\n")
        answered = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
        length = int(answered.get("content-length", 0))
        return int(status.split()[1]), answered, await self._reader.readexactly(length)
