"""Clients that do something again and again on several connections."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count

from tests.benchmarks.figures import Side, together
from tests.benchmarks.raw_http import Connection

Act = Callable[[Connection], Awaitable[int]]
"""One request; how many times it counts."""


async def repeat(
    port: int, act: Act, *, connections: int, seconds: float, headers: Mapping[str, str] | None = None
) -> Side:
    """Do something on each of several connections for a while, each as soon as the last one is answered."""
    counts: list[int] = []
    taken: list[float] = []
    began = time.perf_counter()

    async def client() -> None:
        async with Connection("127.0.0.1", port, headers) as connection:
            while (start := time.perf_counter()) < began + seconds:
                counts.append(await act(connection))
                taken.append(time.perf_counter() - start)

    await asyncio.gather(*(client() for _ in range(connections)))
    return Side(sum(counts), time.perf_counter() - began, tuple(taken))


async def alternately(*sides: Callable[[float], Awaitable[Side]], seconds: float, slices: int = 4) -> list[Side]:
    """Each side measured for some seconds, in slices that take turns: what else the machine does meets all alike."""
    measured: list[list[Side]] = [[] for _ in sides]
    for _ in range(slices):
        for side, found in zip(sides, measured, strict=True):
            found.append(await side(seconds / slices))
    return [together(found) for found in measured]


async def at_rate(port: int, act: Act, *, rate: float, connections: int) -> None:
    """Do something `rate` times a second, spread over several connections, until the process is ended."""
    began = time.perf_counter()

    async def client(number: int) -> None:
        async with Connection("127.0.0.1", port) as connection:
            for turn in count(number, connections):
                wait = began + turn / rate - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                await act(connection)

    await asyncio.gather(*(client(number) for number in range(connections)))
