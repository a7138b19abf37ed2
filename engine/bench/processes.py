"""Processes of a benchmark: each runs the body it is given, with a pipe to whoever started it."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any, Final

PATIENCE_S: Final = 600.0
"""A process that says nothing for so long is stuck."""
_LEAVING_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """A process and our end of its pipe."""

    process: BaseProcess
    pipe: Pipe

    async def heard(self, patience_s: float = PATIENCE_S) -> Any:
        """The next thing it says. Raises RuntimeError when it says nothing, or ends without a word."""
        if not await asyncio.to_thread(self.pipe.poll, patience_s):
            raise RuntimeError(f"a measured process said nothing for {patience_s:.0f} s")
        try:
            return self.pipe.recv()
        except EOFError:
            raise RuntimeError("a measured process ended without a result: its error is above") from None


@contextmanager
def spawned(body: Callable[..., None], *given: object) -> Iterator[Child]:
    """Run `body(*given, pipe)` in a process of its own, which is over when the block is."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=body, args=(*given, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Child(process, ours)
        process.join(_LEAVING_S)
    finally:
        process.kill()
        process.join()
