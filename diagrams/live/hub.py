"""One reader of the feed for all who look: moves are gathered into frames, frames fan out to clients.

A frame is encoded once. A client that cannot keep up loses its queue and gets a fresh snapshot instead, so
memory stays flat however slow the clients are. Nobody looking: nothing is read.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from diagrams.live.pulse import WINDOW_MS, Pulse
from diagrams.live.source import LiveSource, Move, NotReadyError

FRAME_S: Final = 0.1
"""Ten frames a second at most."""
NUMBERS_S: Final = 1.0
WARM_S: Final = 0.5
"""How long a first page waits for the past minutes to be read."""
IDLE_S: Final = 30.0
"""How long the reader goes on when nobody looks."""
BLOCK_S: Final = 2.0
PAUSE_S: Final = 0.5
QUEUED: Final = 64
"""Frames a client may be behind before it is given a snapshot instead."""
REPLAYED: Final = 300
"""Frames kept for clients that come back."""
MOVES_A_FRAME: Final = 40
LATEST: Final = 100


@dataclass(slots=True, eq=False)
class Client:
    """One open page. `behind`: it lost frames and needs a snapshot."""

    queue: deque[bytes] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    behind: bool = False
    closed: bool = False

    def put(self, frame: bytes) -> None:
        """Queue a frame, or give up on queueing."""
        if len(self.queue) >= QUEUED:
            self.queue.clear()
            self.behind = True
        if not self.behind:
            self.queue.append(frame)
        self.woken.set()


class Hub:
    """Started by its first client, stopped when nobody has looked for a while."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._clients: set[Client] = set()
        self._frames: deque[tuple[str, bytes]] = deque(maxlen=REPLAYED)
        self._forget()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._empty_since = 0.0

    def _forget(self) -> None:
        self._pulse = Pulse()
        self._counts: Mapping[str, int] = {}
        self._latest: deque[Move] = deque(maxlen=LATEST)
        self._waiting: list[Move] = []
        self._frames.clear()
        self._place = ""
        self._told = ""
        self._connected = True
        self._warm = False

    # --- clients --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _seat(self) -> Iterator[Client]:
        client = Client()
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)
            self._empty_since = asyncio.get_running_loop().time()

    async def stream(self, last_id: str, keep_alive_s: float) -> AsyncGenerator[bytes]:
        """Server-sent events for one client: a snapshot (or what it missed), then frames as they come."""
        with self._seat() as client:
            await self.ready()
            for piece in self._missed(last_id) or [self.snapshot()]:
                yield piece
            while not client.closed:
                try:
                    await asyncio.wait_for(client.woken.wait(), keep_alive_s)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                client.woken.clear()
                if client.behind:
                    client.behind = False
                    yield self.snapshot()
                while client.queue:
                    yield client.queue.popleft()

    def _missed(self, last_id: str) -> list[bytes]:
        """Frames after the one a client saw last; nothing when that is not known any more."""
        places = [place for place, _ in self._frames]
        if not last_id or last_id not in places:
            return []
        at = len(places) - 1 - places[::-1].index(last_id)
        missed = [frame for _, frame in list(self._frames)[at + 1 :]]
        return missed if len(missed) <= QUEUED else []

    def snapshot(self) -> bytes:
        """Everything a page needs to begin with."""
        now = self._source.now_ms()
        data = {
            "now": now,
            "counts": self._counts,
            "latest": [_row(move) for move in self._latest],
            "connected": self._connected,
            "warm": self._warm,
            **self._pulse.numbers(now),
        }
        return event("snapshot", data, self._told)

    @property
    def clients(self) -> int:
        """How many pages are open."""
        return len(self._clients)

    # --- the reader -----------------------------------------------------------------------------

    async def ready(self) -> None:
        """Start reading unless it has started; return when the window has been read."""
        if self._task is None or self._task.done():
            self._ready.clear()
            self._forget()
            self._empty_since = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._work())
        waiting = asyncio.ensure_future(self._ready.wait())
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self._ready.is_set():
            self._task.result()

    async def close(self) -> None:
        """End every stream and stop reading."""
        self._end_streams()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _end_streams(self) -> None:
        for client in self._clients:
            client.closed = True
            client.woken.set()

    async def _work(self) -> None:
        self._counts = await self._source.counts()
        warm = asyncio.create_task(self._warm_up())
        try:
            await asyncio.wait({warm}, timeout=WARM_S)
            self._ready.set()  # a long past fills in while the page is open
            await self._run(warm)
        finally:
            warm.cancel()
            await asyncio.gather(warm, return_exceptions=True)
            self._end_streams()  # who still looks comes back, and starts us again

    async def _run(self, warm: "asyncio.Task[None]") -> None:
        jobs = (self._read(warm), self._frame(), self._number())
        parts = [asyncio.create_task(part) for part in jobs]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            answers = await asyncio.gather(*parts, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer

    async def _warm_up(self) -> None:
        """Read the window that has passed, so that a page opens with its rates."""
        until_ms = self._source.now_ms()
        self._place = f"{max(until_ms - WINDOW_MS, 0)}-0"
        while moves := await self._source.moves(self._place, 0.001):
            self._take(moves)
            if moves[-1].ms >= until_ms:
                break
            self._waiting.clear()
        self._waiting.clear()
        self._told, self._warm = self._place, True
        for client in self._clients:
            client.put(self.snapshot())

    def _take(self, moves: Any) -> None:
        for move in moves:
            self._pulse.take(move)
            self._latest.append(move)
        self._waiting += moves
        self._place = moves[-1].id

    async def _read(self, warm: "asyncio.Task[None]") -> None:
        await warm
        while True:
            try:
                if moves := await self._source.moves(self._place, BLOCK_S):
                    self._take(moves)
                self._connect(True)
            except NotReadyError:
                self._connect(False)
                await asyncio.sleep(PAUSE_S)

    def _connect(self, connected: bool) -> None:  # noqa: FBT001 - it is what it says
        if connected is not self._connected:
            self._connected = connected
            self._tell("source", {"connected": connected})

    async def _frame(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            if self._waiting:
                moves, self._waiting = self._waiting, []
                self._told = moves[-1].id
                self._tell("moves", _frame_data(moves, self._source.now_ms()))

    async def _number(self) -> None:
        loop, seen = asyncio.get_running_loop(), ""
        while self._clients or loop.time() - self._empty_since < IDLE_S:
            await asyncio.sleep(NUMBERS_S)
            with contextlib.suppress(NotReadyError):
                if seen != self._place:
                    seen = self._place
                    self._counts = await self._source.counts()
            now = self._source.now_ms()
            told = {"now": now, "warm": self._warm, "counts": self._counts}
            self._tell("numbers", {**told, **self._pulse.numbers(now)})

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        frame = event(name, data, self._told)
        if name == "moves":
            self._frames.append((self._told, frame))
        for client in self._clients:
            client.put(frame)


def _frame_data(moves: list[Move], now_ms: int) -> dict[str, Any]:
    """How often each edge fired, and the latest moves themselves."""
    edges: dict[str, int] = {}
    for move in moves:
        edges[move.edge] = edges.get(move.edge, 0) + 1
    return {
        "now": now_ms,
        "n": len(moves),
        "edges": edges,
        "moves": [_row(move) for move in moves[-MOVES_A_FRAME:]],
    }


def _row(move: Move) -> list[str | int]:
    """A move for the wire; whose job it is stays here."""
    return [move.job, move.seq, move.ms, move.source, move.target, move.edge, move.reason]


def event(name: str, data: Mapping[str, Any], place: str = "") -> bytes:
    """One server-sent event."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"id: {place}\n" if place else ""
    return f"{head}event: {name}\ndata: {text}\n\n".encode()
