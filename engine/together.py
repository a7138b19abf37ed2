"""Calls ready in one turn of the loop, sent together as one call of many. Nothing waits for company."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")
R = TypeVar("R")
MANY: Final = 64
"""Words of one call: bounds how long the server's one thread is taken."""


class Together(Generic[K, W, R]):
    """`send` gets all of a turn with the same key, in the order they came, and answers each."""

    def __init__(self, send: Callable[[K, Sequence[W]], Awaitable[Sequence[R]]]) -> None:
        self._send = send
        self._waiting: dict[K, list[tuple[W, asyncio.Future[R]]]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def give(self, key: K, what: W) -> R:
        """The answer to this one. Raises what `send` raised, for all that went with it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        answer: asyncio.Future[R] = loop.create_future()
        self._waiting.setdefault(key, []).append((what, answer))
        return await answer

    def _flush(self) -> None:
        ready, self._waiting = self._waiting, {}
        for key, waiting in ready.items():
            for at in range(0, len(waiting), MANY):
                task = asyncio.create_task(self._deliver(key, waiting[at : at + MANY]))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _deliver(self, key: K, waiting: Sequence[tuple[W, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._send(key, [what for what, _ in waiting])
        except asyncio.CancelledError:
            for _, answer in waiting:
                answer.cancel()
            raise
        except BaseException as error:  # whatever it was, those who wait must hear of it
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, answer), one in zip(waiting, answers, strict=True):
            if not answer.done():
                answer.set_result(one)
