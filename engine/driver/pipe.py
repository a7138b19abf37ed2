"""One connection on which a command need not wait for the answers of those before it.

The driver opens it (addresses, passwords, TLS, Sentinel are its business); from then on the protocol is
spoken here, because taking a connection out of a pool and reading an answer word by word costs the driver
several times what a script costs the server. What is lost with the link has an unknown outcome.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import hiredis
from redis.asyncio import Connection as DriverConnection
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as DriverConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as DriverTimeoutError

Word = str | bytes | int | float
ErrorOf = Callable[[str], Exception]

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
        self._asked: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._answers = Answers(self._answered, error_of)
        self._timer: asyncio.TimerHandle | None = None
        self._transport.set_protocol(self)

    def send(self, words: Sequence[Word]) -> "asyncio.Future[Any]":
        """Write a command; its answer comes in its turn. Who stops waiting does not disturb the others."""
        answer = self._loop.create_future()
        if self.lost is not None:
            answer.set_exception(self.lost)
            return answer
        self._asked.append((self._loop.time(), answer))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._overdue)
        self._transport.write(encode(words))
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
        _, answer = self._asked.popleft()
        if isinstance(value, Exception):
            if not answer.done():
                answer.set_exception(value)
            if isinstance(value, ReadOnlyError):  # it is no master any more: the next link asks who is
                self.drop(value)
        elif not answer.done():
            answer.set_result(value)

    def _overdue(self) -> None:
        """One timer for all: runs while something is asked, looks at what was asked first."""
        self._timer = None
        if not self._asked:
            return
        left_s = self._asked[0][0] + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._overdue)
        else:
            self.drop(DriverTimeoutError(f"no answer within {self._timeout_s:g} s"))

    def _end(self, why: Exception) -> None:
        if self.lost is None:
            self.lost = why
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._asked:
            _, answer = self._asked.popleft()
            if not answer.done():
                answer.set_exception(self.lost)


class Pipe:
    """Commands to one server, by one connection that is opened when needed. Raises the driver's errors."""

    def __init__(self, pool: ConnectionPool, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._link: _Link | None = None
        self._opening = asyncio.Lock()

    async def run(self, words: Sequence[Word]) -> Any:
        """One command's answer."""
        link = self._link
        if link is None or link.lost is not None:
            link = await self._opened()
        return await link.send(words)

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
