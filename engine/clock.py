"""Clocks. The engine asks `engine.ports.Clock` for the time, never the operating system.

`SystemClock` follows the server's clock: an offset measured at connect and now and then, driven by the
monotonic clock in between, so that workers' local clocks do not matter and time never steps back.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from engine.ports import Clock


class SystemClock:
    """Server time plus a monotonic offset. Before the first measurement it follows the local clock."""

    def __init__(self) -> None:
        self._offset_ms = time.time() * 1000 - time.monotonic() * 1000
        self._last_ms = 0

    async def measure(self, server_ms: Callable[[], Awaitable[int]], samples: int = 3) -> None:
        """Set the offset from the fastest of `samples` round trips; the error is half of that trip."""
        best: tuple[float, float] | None = None
        for _ in range(samples):
            sent = time.monotonic() * 1000
            answer = await server_ms()
            got = time.monotonic() * 1000
            if best is None or got - sent < best[0]:
                best = (got - sent, answer - (sent + got) / 2)
        if best is not None:
            self._offset_ms = best[1]

    def now_ms(self) -> int:
        """Server time now, ms. When a measurement moved it back it stands still until it has caught up."""
        self._last_ms = max(self._last_ms, int(time.monotonic() * 1000 + self._offset_ms))
        return self._last_ms

    async def sleep(self, seconds: float) -> None:
        """Real seconds."""
        await asyncio.sleep(max(0.0, seconds))


class ScaledClock:
    """A clock that runs `factor` times as fast as its base from `origin_ms` on, and waits for nobody.

    Processes that share factor and origin share the time; without an origin it begins now. For long runs
    in real time; a sandbox's plays go by `bot.wiring.shared_clock`, which a busy machine does not age.
    """

    def __init__(self, base: Clock, factor: float, origin_ms: int | None = None) -> None:
        if factor <= 0:
            raise ValueError(f"a clock's factor must be above zero, not {factor}")
        self._base = base
        self._factor = factor
        self._start_ms = base.now_ms() if origin_ms is None else origin_ms
        self._lost_ms = 0
        self._halts = 0
        self._halted_ms = 0

    @property
    def factor(self) -> float:
        """How many seconds of it pass in one of its base's."""
        return self._factor

    @property
    def word(self) -> str:
        """`factor@origin`, by which another process can share this clock."""
        return f"{self._factor:g}@{self._start_ms}"

    def now_ms(self) -> int:
        """Scaled time, ms."""
        base_ms = self._halted_ms if self._halts else self._base.now_ms()
        return self._start_ms + int((base_ms - self._start_ms - self._lost_ms) * self._factor)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let time stand still, so that real work does not age a fast world. Nests."""
        if self._halts == 0:
            self._halted_ms = self._base.now_ms()
        self._halts += 1
        try:
            yield
        finally:
            self._halts -= 1
            if self._halts == 0:
                self._lost_ms += self._base.now_ms() - self._halted_ms

    async def sleep(self, seconds: float) -> None:
        """`seconds` of this clock: `seconds / factor` of the base, and as long as it was halted."""
        until_ms = self.now_ms() + seconds * 1000
        await self._base.sleep(max(0.0, seconds) / self._factor)
        while (left_ms := until_ms - self.now_ms()) > 1:
            await self._base.sleep(max(left_ms / 1000 / self._factor, 0.005))


class ManualClock:
    """A clock that moves only when told (tests, simulation). Sleepers wake in the order of their times."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = now_ms
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """The time it was last moved to, ms."""
        return self._now_ms

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Until the clock has been advanced that far; a zero sleep only yields.

        Counts from the call, not from the first await: the clock may be moved in between.
        """
        if seconds <= 0:
            return asyncio.sleep(0)
        future = asyncio.get_running_loop().create_future()
        until = self._now_ms + max(1, round(seconds * 1000))
        heapq.heappush(self._sleepers, (until, next(self._order), future))
        return _wait_for(future)

    def advance(self, seconds: float) -> None:
        """Move on; everyone whose time has come wakes at the next turn of the loop."""
        self.set(self._now_ms + round(seconds * 1000))

    def set(self, now_ms: int) -> None:
        """Move to a time, which may lie in the past (tests of clock jumps)."""
        self._now_ms = now_ms
        while self._sleepers and self._sleepers[0][0] <= now_ms:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    def next_ms(self) -> int | None:
        """When the next sleeper wakes, or None: a simulator jumps there."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None


async def _wait_for(future: "asyncio.Future[None]") -> None:
    await future
