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
from typing import Any, Final, Protocol, TypeVarTuple, cast

# ruff: noqa: SLF001 - an event loop is made of the private parts of its base class

Ts = TypeVarTuple("Ts")
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
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._numbers = count(1)
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        """A heap of (when, number, handle): ties go by age, and nothing written in Python is compared."""
        self._frozen: set[int] = set()
        self._kept: list[tuple[int, asyncio.Handle]] = []
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

    def later(self, seconds: float, act: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """`call_later` of the world itself: it comes even while the process that caused it is frozen."""
        return self.call_later(seconds, act, *args, context=Context())

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

    # A world makes some hundred thousand handles a second: these two skip the checks of their base class.

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, in virtual seconds."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is left out when its time comes."""

    def _run_once(self) -> None:
        """Many turns in one: `stop` ends it. Time moves on when nobody can run."""
        ready, left = self._ready, SPIN_MAX
        while not self._stopping:
            if not ready:
                self._next_moment()
                left = SPIN_MAX
            left -= 1
            if left < 0:
                raise Stalled("something runs in a circle without letting time pass")
            handle = ready.popleft()
            if not handle._cancelled and not (self._frozen and self._kept_back(handle)):
                handle._run()

    def _next_moment(self) -> None:
        ready, timers = self._ready, self._timers
        while not ready:
            if not timers:
                raise Stalled("every task waits, and no timer is left")
            self._now = max(self._now, timers[0][0])
            while timers and timers[0][0] <= self._now:
                timer = heapq.heappop(timers)[2]
                if not timer._cancelled:
                    ready.append(timer)

    def _kept_back(self, handle: asyncio.Handle) -> bool:
        owner = handle._context.get(OWNER)  # type: ignore[attr-defined]
        if owner is None or id(owner) not in self._frozen:
            return False
        self._kept.append((id(owner), handle))
        return True

    def _write_to_self(self) -> None:
        """No other thread ever wakes this loop."""

    def _process_events(self, event_list: Any) -> None:
        """There is no IO."""
