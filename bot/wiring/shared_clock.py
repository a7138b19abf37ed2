"""One time for all processes of a sandbox, which waits for whoever is busy.

A fast clock that runs by itself turns a second in which a busy machine starves one process into a minute
of leases and deadlines. This one is kept in a small shared file and moves on in beats: the next beat comes
only when the event loop of every process that takes part has turned since the last one, and every server
that is heeded has answered. So whatever a machine is busy with, nobody misses time; who is stopped or
killed on purpose is excused, and misses it as in real life.
"""

import asyncio
import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from engine.clock import ManualClock, SystemClock
from engine.ports import Clock

LOOK_S: Final = 0.01
"""Real seconds between two looks at the file."""
STEP_S: Final = 0.025
"""Real seconds that a beat may be worth at most, however long it was waited for."""
_FACTOR, _NOW, _BEAT, _FIRST_SEAT, _WORDS = 0, 1, 2, 3, 64


class SharedClock:
    """The time of a sandbox, seen from one process, which is heard by its seat. Runs while entered."""

    def __init__(self, path: Path, seat: int) -> None:
        with path.open("r+b") as file:
            self._words = memoryview(mmap.mmap(file.fileno(), _WORDS * 8)).cast("q")
        self._seat = seat
        self._sleepers = ManualClock(self.now_ms())
        self._following: asyncio.Task[None] | None = None

    @classmethod
    def of_word(cls, word: str) -> Self:
        """The clock that `Timekeeper.seat` named. Raises ValueError or OSError when there is none."""
        path, _, seat = word.rpartition("#")
        return cls(Path(path), int(seat))

    @property
    def factor(self) -> float:
        """How many seconds of it pass in a real one, when nobody is waited for."""
        return self._words[_FACTOR] / 1000

    def now_ms(self) -> int:
        """Shared time, ms."""
        return self._words[_NOW]

    async def sleep(self, seconds: float) -> None:
        """`seconds` of this clock."""
        self._sleepers.set(self.now_ms())
        await self._sleepers.sleep(seconds)

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            beat = self._words[_BEAT]
            self._sleepers.set(self.now_ms())
            await asyncio.sleep(LOOK_S)  # whoever was woken has had its turn when this is over
            self._words[self._seat] = beat


class Pulse:
    """Whether a server behind a unix socket answers; one that is away is not waited for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def answered(self) -> None:
        """Until it has answered, with whatever words."""
        try:
            if self._link is None:
                self._link = await asyncio.open_unix_connection(self._path)
            reader, writer = self._link
            writer.write(b"PING\r\n")
            if not await reader.readline():
                await self.close()
        except OSError:
            await self.close()

    async def close(self) -> None:
        """Hang up."""
        link, self._link = self._link, None
        if link is not None:
            link[1].close()
            with suppress(OSError):
                await link[1].wait_closed()


class Timekeeper(SharedClock):
    """The one process that moves the time on. `factor`: how fast when nobody is waited for."""

    def __init__(self, path: Path, factor: float, base: Clock | None = None) -> None:
        if factor <= 0:
            raise ValueError(f"a clock's factor must be above zero, not {factor}")
        path.write_bytes(bytes(_WORDS * 8))
        super().__init__(path, 0)
        self.heeded: list[Pulse] = []
        """Each is felt between two beats: a server that is slow to answer misses no time either."""
        self._path = path
        self._base = base or SystemClock()
        self._last_ms = self._base.now_ms()
        self._owed_ms = 0
        self._halts = 0
        self._seats = _FIRST_SEAT
        self._excused: set[int] = set()
        self._words[_FACTOR] = round(factor * 1000)
        self._words[_NOW] = self._last_ms
        self._words[_BEAT] = 1

    def seat(self) -> tuple[int, str]:
        """A seat for another process, and the word by which it finds this clock. It is waited for from
        its first look on. RuntimeError when too many were given.
        """
        if self._seats == _WORDS:
            raise RuntimeError("this clock has no seat left")
        self._seats += 1
        return self._seats - 1, f"{self._path}#{self._seats - 1}"

    def excuse(self, seat: int) -> None:
        """Do not wait for this process: it is dead, or stopped on purpose."""
        self._excused.add(seat)

    def expect(self, seat: int) -> None:
        """Wait for it again."""
        self._excused.discard(seat)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let time stand still for everybody, so that real work does not age a fast world. Nests."""
        self._halts += 1
        try:
            yield
        finally:
            self._halts -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        for pulse in self.heeded:
            await pulse.close()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for pulse in self.heeded:
                await pulse.answered()
            self.look()

    def look(self) -> None:
        """One more beat, if nothing holds the time."""
        base_ms = self._base.now_ms()
        self._owed_ms += base_ms - self._last_ms
        self._last_ms = base_ms
        if self._halts:
            self._owed_ms = 0
        elif not self._waits():
            self._words[_NOW] += round(min(self._owed_ms, STEP_S * 1000) * self.factor)
            self._words[_BEAT] += 1
            self._owed_ms = 0
        self._sleepers.set(self.now_ms())

    def _waits(self) -> bool:
        beat = self._words[_BEAT]
        seats = (seat for seat in range(_FIRST_SEAT, self._seats) if seat not in self._excused)
        return any(self._words[seat] not in (0, beat) for seat in seats)
