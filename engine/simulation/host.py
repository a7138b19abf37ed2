"""A simulated process: its tasks, its clock, its dice; it can be frozen, cut off, or killed at any await."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from random import Random
from typing import Any, Final

from engine.simulation.fate import Fate, Odds
from engine.simulation.loop import OWNER, WorldLoop

EPOCH_MS: Final = 1_800_000_000_000
STRIKES: Final[Odds] = {"killed": 0.0010, "frozen": 0.0010}
"""What may become of a process just before, and just after, each of its calls to the outside."""

Strike = Callable[["Host", str, float], None]
"""Does it: the process, killed or frozen, for how long (seconds)."""


class Killed(BaseException):
    """This process is dead: nothing it still tries reaches anything. No handler may take it for an error."""


class Host:
    """One process. Everything it does to the world passes `pace`, `sleep` or a link that asks `alive`."""

    def __init__(
        self,
        name: str,
        loop: WorldLoop,
        dice: Random,
        fate: Fate | None = None,
        strike: Strike | None = None,
    ) -> None:
        self.name = name
        self.loop = loop
        self.dice = dice
        self._fate = fate
        self._strike = strike
        self.dead = False
        self.frozen = False
        self.skew_ms = 0
        self.cut_until_s = 0.0
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        self._born = 0
        self._last_ms = 0

    def born(self, task: "asyncio.Task[Any]") -> None:
        """Its task; forgotten when it ends."""
        self._born += 1
        number = self._born
        self.tasks[number] = task
        task.add_done_callback(lambda _: self.tasks.pop(number, None))

    def start(self, coro: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run something as a part of this process."""
        context = copy_context()
        context.run(OWNER.set, self)
        return self.loop.create_task(coro, context=context)

    def alive(self) -> None:
        """Raises Killed in a dead process."""
        if self.dead:
            raise Killed(self.name)

    def risk(self, place: str) -> None:
        """Fate may strike this process here. Raises Killed when it has."""
        if self._fate is None or self._strike is None:
            return
        kind = self._fate.draw("process", f"{self.name} {place}", STRIKES)
        if kind:
            span_s = 1 + 60 * self._fate.number(f"strike {self.name} {len(self._fate.fired)}") ** 3
            self._strike(self, kind, span_s)
            self.alive()

    def kill(self) -> None:
        """It is gone from now on: its tasks unwind without touching anything."""
        self.dead = True
        self.loop.thaw(self)
        for task in list(self.tasks.values()):
            task.cancel()

    def freeze(self, for_s: float) -> None:
        """Stopped (a suspended machine, a stuck loop) for so long."""
        if self.dead or self.frozen:
            return
        self.frozen = True
        self.loop.freeze(self)
        self.loop.later(for_s, self._thaw)

    def _thaw(self) -> None:
        self.frozen = False
        self.loop.thaw(self)

    @property
    def cut(self) -> bool:
        """Is the line to the store down?"""
        return self.loop.time() < self.cut_until_s

    # --- engine.ports.Clock -----------------------------------------------------------------------

    def now_ms(self) -> int:
        """What this process takes for the time; never steps back."""
        self._last_ms = max(self._last_ms, EPOCH_MS + int(self.loop.time() * 1000) + self.skew_ms)
        return self._last_ms

    async def sleep(self, seconds: float) -> None:
        """Virtual seconds."""
        self.alive()
        await asyncio.sleep(max(0.0, seconds))
        self.alive()

    async def pace(self) -> None:
        """A little way on the network: others may run meanwhile, and now and then time passes."""
        self.alive()
        roll = self.dice.random()
        await asyncio.sleep(0.0 if roll < 0.6 else 0.0002 * 100 ** ((roll - 0.6) / 0.4))
        self.alive()
