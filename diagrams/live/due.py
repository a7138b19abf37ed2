"""The list of live jobs: read at most every few seconds, searched and paged in memory."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from diagrams.live.source import DueRow, LiveSource

FRESH_S: Final = 2.0
RESTS: Final = 10
"""Between two readings, this many times as long as one takes: the store's time belongs to the jobs."""
ROWS_MOST: Final = 50_000
PAGE_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Search:
    """What a reader looks for; "" is anything. `text`: a piece of a job id, or a user's whole number."""

    state: str = ""
    reason: str = ""
    text: str = ""

    def fits(self, row: DueRow, *, private: bool) -> bool:
        """Whether a line is wanted. Users can only be searched by those who may see them."""
        if self.state and row.state != self.state:
            return False
        if self.reason and self.reason not in (row.reason, row.aside and "aside"):
            return False
        mine = private and self.text == str(row.user)
        return not self.text or mine or self.text.lower() in row.job.lower()


class DueList:
    """Pages of the live jobs by due time."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._rows: Sequence[DueRow] = ()
        self._read_ms = 0
        self._next_s = 0.0
        self._reading = asyncio.Lock()

    async def page(self, search: Search, offset: int, limit: int, *, private: bool) -> Mapping[str, Any]:
        """`rows` from `offset` on, how many fit in `total`, of `live` in all, as of `now`."""
        await self._refresh()
        found = [row for row in self._rows if search.fits(row, private=private)]
        rows = found[offset : offset + min(limit, PAGE_MOST)]
        reasons = Counter(row.reason for row in self._rows if row.reason and row.state == "retry_wait")
        return {
            "now": self._read_ms,
            "live": len(self._rows),
            "total": len(found),
            "offset": offset,
            "rows": [_line(row, private=private) for row in rows],
            "reasons": dict(reasons.most_common(40)),
        }

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._reading:
            if loop.time() < self._next_s:
                return
            begun = loop.time()
            self._rows = await self._source.due(ROWS_MOST)
            self._read_ms = self._source.now_ms()
            self._next_s = loop.time() + max(FRESH_S, RESTS * (loop.time() - begun))


def _line(row: DueRow, *, private: bool) -> list[str | int | None]:
    user = row.user if private else None
    return [row.job, row.due_ms, row.state, user, row.worker, row.reason, row.aside]
