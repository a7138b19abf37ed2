"""Live events for open chat pages: every reader has a queue of its own, a reader that sleeps is dropped."""

import asyncio
from collections.abc import Mapping
from typing import Any

READER_LIMIT = 1000
"""Events a reader may be behind before it is dropped (its page reconnects and takes a fresh snapshot)."""


class Feed:
    """Fan-out of events to the readers of one event loop."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[Mapping[str, Any] | None]] = set()

    def open(self) -> asyncio.Queue[Mapping[str, Any] | None]:
        """A new reader's queue. None in it means: the feed is over."""
        queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._readers.add(queue)
        return queue

    def shut(self, queue: asyncio.Queue[Mapping[str, Any] | None]) -> None:
        """Forget a reader."""
        self._readers.discard(queue)

    @property
    def watched(self) -> bool:
        """Whether anybody reads."""
        return bool(self._readers)

    def publish(self, event: Mapping[str, Any]) -> None:
        """Hand an event to every reader."""
        for queue in tuple(self._readers):
            if queue.qsize() >= READER_LIMIT:
                self._readers.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    def close(self) -> None:
        """End every reader."""
        for queue in tuple(self._readers):
            queue.put_nowait(None)
        self._readers.clear()
