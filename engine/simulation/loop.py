"""An event loop in virtual time. Nothing waits: when nobody can run, the clock jumps to the next timer.

Tasks have numbers for hashes: asyncio keeps some of them in sets, and the order of those would otherwise
depend on memory addresses. Everything a frozen owner would run is kept back until it thaws, its timers
included, as with a stopped process.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from itertools import count
from typing import Any, Final, Protocol, cast

# ruff: noqa: SLF001 - an event loop is made of the private parts of its base class

SPIN_MAX: Final = 20_000
"""So many callbacks without a tick of time are a loop that will never end."""


class Owner(Protocol):
    """Whose tasks they are: a simulated process."""

    def born(self, task: "asyncio.Task[Any]") -> None:
        """A task of this owner was made."""
        ...


OWNER: ContextVar[Owner | None] = ContextVar("simulated owner", default=None)


class Stalled(RuntimeError):  # noqa: N818 - reads as a sentence where it is caught
    """Nobody can run, now or later; or somebody runs for ever without letting time pass."""


class _Task(asyncio.Task[Any]):
    """A task with a hash that does not depend on where it lies in memory."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, Any], **more: Any) -> None:
        self._number = number
        super().__init__(coro, **more)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class WorldLoop(asyncio.BaseEventLoop):
    """asyncio's own loop with its one turn replaced. `time()` is virtual seconds from 0."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._numbers = count(1)
        self._frozen: set[int] = set()
        self._kept: list[tuple[int, asyncio.Handle]] = []
        self._spins = 0
        self.crashes: list[dict[str, Any]] = []
        self.set_task_factory(cast("Any", self._make_task))
        self.set_exception_handler(lambda _, what: self.crashes.append(what))

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def _make_task(self, _: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> "asyncio.Task[Any]":
        task = _Task(next(self._numbers), coro, loop=self, **more)
        context: Context | None = more.get("context")
        owner = context.get(OWNER) if context is not None else OWNER.get()
        if owner is not None:
            owner.born(task)
        return task

    def freeze(self, owner: object) -> None:
        """Nothing of this owner runs until `thaw`."""
        self._frozen.add(id(owner))

    def thaw(self, owner: object) -> None:
        """What was kept back runs now, in its order."""
        self._frozen.discard(id(owner))
        kept, self._kept = self._kept, []
        for whose, handle in kept:
            if whose == id(owner):
                self._ready.append(handle)
            else:
                self._kept.append((whose, handle))

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """At once, here: threads would bring real time in."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if not ready:
            if not scheduled:
                raise Stalled("every task waits, and no timer is left")
            self._now = max(self._now, scheduled[0]._when)
            self._spins = 0
        while scheduled and scheduled[0]._when <= self._now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            ready.append(timer)
        self._spins += len(ready)
        if self._spins > SPIN_MAX:
            self._spins = 0
            raise Stalled("something runs in a circle without letting time pass")
        for _ in range(len(ready)):
            self._run_handle(ready.popleft())

    def _run_handle(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        if self._frozen:
            owner = handle._context.get(OWNER)  # type: ignore[attr-defined]
            if owner is not None and id(owner) in self._frozen:
                self._kept.append((id(owner), handle))
                return
        handle._run()

    def _write_to_self(self) -> None:
        """No other thread ever wakes this loop."""

    def _process_events(self, event_list: Any) -> None:
        """There is no IO."""
