"""Store calls that are finished though the task that makes them is told to stop.

A cancelled call would be an unknown outcome (redis trap D19), and a job could not be handed back. A task of
its own for each call would do, and costs more than the call: here the work goes on inside its caller's task,
and what the task waits for is a stand-in, which may be cancelled as often as anybody likes.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def asked_to_stop() -> bool:
    """Has this task been cancelled while it finished a store call?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class unbroken(Generic[T]):  # noqa: N801 - awaited like the function that it stands for
    """`await unbroken(work)`: the answer of a store call though the task is cancelled meanwhile.

    `asked_to_stop` tells afterwards. The work must end by itself and set no time-outs of its own: theirs are
    cancellations, too. Every store call is bounded, so this ends.
    """

    __slots__ = ("_work",)

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, None, T]:
        """Drive the work. Raises what it raises."""
        work = self._work
        try:
            while True:
                try:
                    waited = work.send(None)
                except StopIteration as end:
                    answer: T = end.value
                    return answer
                yield from _until(waited)
        finally:
            work.close()


def _until(waited: "asyncio.Future[Any] | None") -> Generator[Any, None, None]:
    """Wait until it is done, whoever cancels. None: let the others run once."""
    if waited is None:
        try:
            yield
        except asyncio.CancelledError:
            return  # remembered by the task: `asked_to_stop`
        return
    waited._asyncio_future_blocking = False  # noqa: SLF001 - as a task does that takes it over
    while not waited.done():
        stand_in = asyncio.get_running_loop().create_future()

        def ring(_: "asyncio.Future[Any]", stand_in: "asyncio.Future[None]" = stand_in) -> None:
            if not stand_in.done():
                stand_in.set_result(None)

        waited.add_done_callback(ring)
        try:
            yield from stand_in
        except asyncio.CancelledError:
            waited.remove_done_callback(ring)
