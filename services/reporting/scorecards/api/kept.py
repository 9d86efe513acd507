"""Scorecards as they were last written out."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Annotated

from fastapi import Depends, Request

from services.reporting.scorecards.queries.stamps import Stamp
from services.reporting.scorecards.queries.surroundings import KeptSurroundings


class KeptScorecards:
    """The scorecards asked for last, each with the stamp of what it was made from; in the memory of one process.

    An answer is taken from here only under the stamp that the database has now, so every replica may keep its own.
    """

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Stamp, bytes]] = OrderedDict()

    def find(self, asked: Hashable, stamp: Stamp) -> bytes | None:
        """The scorecard that was kept for the same question, if what it was made from has stayed."""
        kept = self._kept.get(asked)
        if kept is None or kept[0] != stamp:
            return None
        self._kept.move_to_end(asked)
        return kept[1]

    def keep(self, asked: Hashable, stamp: Stamp, written: bytes) -> None:
        """Keep a scorecard in place of an older one; those that nobody has asked for longest make room."""
        older = self._kept.pop(asked, None)
        self._bytes += len(written) - (len(older[1]) if older else 0)
        self._kept[asked] = stamp, written
        while self._bytes > self._most_bytes:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


async def _kept_scorecards(request: Request) -> KeptScorecards:
    kept: KeptScorecards = request.app.state.kept_scorecards
    return kept


async def _kept_surroundings(request: Request) -> KeptSurroundings:
    kept: KeptSurroundings = request.app.state.kept_surroundings
    return kept


Kept = Annotated[KeptScorecards, Depends(_kept_scorecards)]
KeptAround = Annotated[KeptSurroundings, Depends(_kept_surroundings)]
