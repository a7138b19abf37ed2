"""One connection on which a command need not wait for the answers of those before it.

The driver opens it (addresses, passwords, TLS, Sentinel are its business); from then on the protocol is
spoken here, because taking a connection out of a pool and reading an answer word by word costs the driver
several times what a script costs the server. What is lost with the link has an unknown outcome.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

import hiredis
from redis.asyncio import Connection as DriverConnection
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as DriverConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as DriverTimeoutError

Word = str | bytes | int | float
ErrorOf = Callable[[str], Exception]
Heard = Callable[[Any], None]
"""Gets an answer, or the driver's error as a value. Called by the loop itself: it must not raise."""

_NOT_YET: Final = object()


def encode(words: Sequence[Word]) -> bytes:
    """A command as it travels (RESP: each word behind its length)."""
    packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]  # its stub means a tuple of one
    return packed


class Answers:
    """Reads answers (RESP2) as they come, in pieces of any size. Errors are values, nested ones too."""

    def __init__(self, found: Callable[[Any], None], error_of: ErrorOf) -> None:
        self._found = found
        self._reader = hiredis.Reader(replyError=error_of, notEnoughData=_NOT_YET)

    def feed(self, data: bytes) -> None:
        """More bytes; tells of every answer that is complete with them."""
        reader = self._reader
        reader.feed(data)
        while (answer := reader.gets()) is not _NOT_YET:
            self._found(answer)


class _Link(asyncio.Protocol):
    """An open connection, taken over from the driver. `old` is told of its end."""

    def __init__(self, driven: DriverConnection, timeout_s: float) -> None:
        writer = driven._writer  # noqa: SLF001 - the driver's public way out costs a task and a timer a command
        error_of = driven._parser.parse_error  # noqa: SLF001 - so that errors have the driver's own types
        assert writer is not None  # noqa: S101 - it has just been connected
        self.driven = driven
        self.lost: Exception | None = None
        self._transport = writer.transport
        self._old = self._transport.get_protocol()
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._asked: deque[tuple[float, float, Heard]] = deque()
        self._answers = Answers(self._answered, error_of)
        self._timer: asyncio.TimerHandle | None = None
        self._transport.set_protocol(self)

    def ask(self, words: Sequence[Word], heard: Heard, timeout_s: float | None = None) -> None:
        """Write a command; `heard` gets its answer in its turn, or why the link was given up."""
        if self.lost is not None:
            heard(self.lost)
            return
        self._transport.write(encode(words))
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        until_s = self._loop.time() + timeout_s
        self._asked.append((until_s, timeout_s, heard))
        if self._timer is None or self._timer.when() > until_s:
            self._look_at(until_s)

    def send(self, words: Sequence[Word], timeout_s: float | None = None) -> "asyncio.Future[Any]":
        """`ask` for one who waits. Who stops waiting does not disturb the others."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self.ask(words, partial(_settle, answer), timeout_s)
        return answer

    def data_received(self, data: bytes) -> None:
        """Bytes from the server."""
        self._answers.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The link is gone, by itself or by our will."""
        why = f": {exc}" if exc else ""
        self._end(DriverConnectionError(f"the server closed the connection{why}"))
        self._old.connection_lost(exc)

    def drop(self, why: Exception) -> None:
        """Give the link up."""
        self._end(why)
        self._transport.abort()

    def _answered(self, value: Any) -> None:
        _, _, heard = self._asked.popleft()
        heard(value)
        if isinstance(value, ReadOnlyError):  # it is no master any more: the next link asks who is
            self.drop(value)

    def _look_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at_s, self._overdue)

    def _overdue(self) -> None:
        """One timer for all: it looks at what was asked first, whose answer must come before the others'."""
        self._timer = None
        if not self._asked:
            return
        until_s, timeout_s, _ = self._asked[0]
        if until_s > self._loop.time():
            self._look_at(until_s)
        else:
            self.drop(DriverTimeoutError(f"no answer within {timeout_s:g} s"))

    def _end(self, why: Exception) -> None:
        if self.lost is None:
            self.lost = why
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._asked:
            _, _, heard = self._asked.popleft()
            heard(self.lost)


def _settle(answer: "asyncio.Future[Any]", value: Any) -> None:
    if answer.done():
        return
    if isinstance(value, Exception):
        answer.set_exception(value)
    else:
        answer.set_result(value)


class Pipe:
    """Commands to one server, by one connection that is opened when needed. Raises the driver's errors."""

    def __init__(self, pool: ConnectionPool, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._link: _Link | None = None
        self._opening = asyncio.Lock()

    async def run(self, words: Sequence[Word], timeout_s: float | None = None) -> Any:
        """One command's answer; `timeout_s` when it may be silent for another while than the others."""
        link = self._link
        if link is None or link.lost is not None:
            link = await self._opened()
        return await link.send(words, timeout_s)

    def ask(self, words: Sequence[Word], heard: Heard) -> bool:
        """`run` at once and without a task. False when no link is open: nothing was asked then."""
        link = self._link
        if link is None or link.lost is not None:
            return False
        link.ask(words, heard)
        return True

    @property
    def up(self) -> bool:
        """Whether a link is open, as far as can be known."""
        return self._link is not None and self._link.lost is None

    async def _opened(self) -> _Link:
        async with self._opening:
            if self._link is None or self._link.lost is not None:
                await self.close()
                self._link = _Link(await _connected(self._pool), self._timeout_s)
            return self._link

    async def close(self) -> None:
        """Hang up. What is on its way ends as lost."""
        link, self._link = self._link, None
        if link is None:
            return
        link.drop(DriverConnectionError("the connection was closed"))
        await link.driven.disconnect(nowait=True)


async def _connected(pool: ConnectionPool) -> DriverConnection:
    """A connection of the pool's making that the pool does not know of."""
    driven = cast("DriverConnection", pool.make_connection())  # type: ignore[no-untyped-call]  # the driver types little
    try:
        await driven.connect()  # type: ignore[no-untyped-call]  # as above
    except BaseException:  # cancelled too: no half-open connection stays
        await driven.disconnect(nowait=True)
        raise
    return driven
