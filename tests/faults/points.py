"""Every await of a job's life, counted: the points at which a process may be struck.

A process that runs a job reaches the world only through its store calls and its adapters. Each of them is
two points here: `>` just before it is made, `<` just after it was done and before anybody has heard of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import StoreUnavailable

T = TypeVar("T")


class Fate(StrEnum):
    """What happens to a process at a point."""

    DIES = "dies"
    """kill -9: nothing it still tries reaches anything."""
    STOPS = "is told to stop"
    """Its task is cancelled there; it may still hand back what it holds."""
    FREEZES = "freezes"
    """SIGSTOP: others take over and finish; then it goes on as if nothing had been."""
    HEARS_NOTHING = "hears nothing"
    """The store's answer (or the request) is lost there."""


class Killed(BaseException):
    """This process is dead. No handler may take it for an error."""


@dataclass
class Points:
    """The points one process passes. Its fate strikes at the point of that number (none: -1)."""

    fate: Fate = Fate.DIES
    at: int = -1
    names: list[str] = field(default_factory=list)
    struck: bool = False
    dead: bool = False
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    stop: Callable[[], object] = lambda: None
    """Tells the process to stop."""

    async def around(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """One call with its two points."""
        await self._pass(f"{name} >")
        answer = await call()
        await self._pass(f"{name} <")
        return answer

    async def _pass(self, name: str) -> None:
        if self.dead:
            raise Killed
        number = len(self.names)
        self.names.append(name)
        if number != self.at:
            return
        self.struck = True
        match self.fate:
            case Fate.DIES:
                self.dead = True
                raise Killed
            case Fate.STOPS:
                self.stop()
                await asyncio.sleep(0)
            case Fate.FREEZES:
                self.frozen.set()
                await self.thawed.wait()
            case Fate.HEARS_NOTHING:
                raise StoreUnavailable("lost on purpose")


class Struck(Dispatcher):
    """A process's own line to a store that others use too."""

    def __init__(self, connection: Connection, points: Points, shas: dict[str, str]) -> None:
        super().__init__(connection)
        self._shas = shas
        self._points = points

    async def call(self, prefix: str, verb: str, /, **given: Any) -> Any:
        """A store call with its two points."""
        asked = super().call
        return await self._points.around(f"store {verb}", lambda: asked(prefix, verb, **given))
