"""The line between a simulated process and the store: the engine's own Connection, with fate in between.

A command may be lost before or after it was executed, or be executed long after its sender gave up on it.
Blocking reads wait in the simulator, not at the server: every script is asked which bells ring after it,
and a ringing bell is popped for the longest waiting reader, as BZPOPMIN does.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Final

from engine.connection import BLOCK_S, ScriptMissing
from engine.driver.pipe import encode
from engine.errors import ScriptFailed, StoreUnavailable
from engine.simulation.fate import Fate, Odds
from engine.simulation.host import EPOCH_MS, Host
from engine.simulation.loop import WorldLoop
from engine.simulation.memory import Memory
from engine.simulation.wire import Wire, WireError, Word

TROUBLE: Final[Odds] = {"request_lost": 0.004, "reply_lost": 0.006, "late": 0.002}
BELL_LOST: Final[Odds] = {"bell_lost": 0.01}
BELLS: Final = ("bell", "bellq", "ob:bell", "in:bell", "late:bell")
_VERB: Final = re.compile(r"^local answer = V\.(\w+)\(KEYS\[1\], ARGV, 0, #ARGV\)$", re.MULTILINE)

Heard = Callable[[Host, str, Sequence[Word], Any], None]
"""Told of every executed call: who, verb, the script's arguments, the answer."""


@dataclass(slots=True, eq=False)
class _Reader:
    """A blocking read that waits for one of its keys."""

    keys: tuple[str, ...]
    answer: "asyncio.Future[str | None]"


@dataclass(slots=True)
class SimServer:
    """The one store of a world. `hear` listens to every call."""

    wire: Wire
    loop: WorldLoop
    fate: Fate
    hear: Heard
    order: dict[str, tuple[str, ...]]
    """Every script's argument names, in their order on the wire."""
    down_until_s: float = 0.0
    commands: int = 0
    prefix: str = "{1768}"
    """The tag of the one partition."""
    verbs: dict[str, str] = field(default_factory=dict)
    memory: Memory = field(init=False)
    readers: list[_Reader] = field(default_factory=list)
    _ringing: list[str] = field(default_factory=list)
    _bells: tuple[str, ...] = ()
    _ask: bytes = b""

    def __post_init__(self) -> None:
        """Prepare the question that goes with every script: which bells ring now?"""
        self._forget()
        self._bells = tuple(f"{self.prefix}:{bell}" for bell in BELLS)
        self._ask = b"".join(encode(("EXISTS", bell)) for bell in self._bells)

    def _forget(self) -> None:
        places = {verb: {name: 4 + n for n, name in enumerate(names)} for verb, names in self.order.items()}
        self.memory = Memory(places)

    @property
    def down(self) -> bool:
        """Is it away?"""
        return self.loop.time() < self.down_until_s

    def fall(self, for_s: float) -> None:
        """Away for so long, with everything it holds. Blocking reads break."""
        self.down_until_s = max(self.down_until_s, self.loop.time() + for_s)
        readers, self.readers = self.readers, []
        for reader in readers:
            if not reader.answer.done():
                reader.answer.set_exception(StoreUnavailable("the server went away"))

    def load(self, source: str) -> str:
        """SCRIPT LOAD."""
        sha = str(self.wire.call("SCRIPT", "LOAD", source).decode())
        found = _VERB.search(source)
        self.verbs[sha] = found[1] if found else "batch"
        return sha

    def execute(self, who: Host, words: Sequence[Word]) -> Any:
        """Run one command now, then answer the blocking reads whose bell it rang."""
        if words[0] != "EVALSHA":
            return self._sent(words, b"", 0)[0]
        prefix, verb = str(words[3]), self.verbs.get(str(words[1]), "?")
        answer = self.memory.recall(prefix, verb, words)
        if answer is None:
            answer = self._ran(words, prefix)
            self.memory.keep(prefix, verb, words, answer)
        self.hear(who, verb, words[4:], answer)
        return answer

    def _ran(self, words: Sequence[Word], prefix: str) -> Any:
        self.commands += 1
        if prefix != self.prefix:
            return self._sent(words, b"", 0)[0]
        answer, *rung = self._sent(words, self._ask, len(self._bells))
        self._ringing = [key for key, there in zip(self._bells, rung, strict=True) if there]
        self._answer_readers()
        return answer

    def _sent(self, words: Sequence[Word], more: bytes, count: int) -> list[Any]:
        try:
            return self.wire.sent(encode(words) + more, 1 + count)
        except WireError as error:
            if str(error).startswith("NOSCRIPT"):
                raise ScriptMissing(str(error)) from error
            raise ScriptFailed(str(error)) from error

    def flush(self) -> None:
        """SCRIPT FLUSH."""
        self.wire.call("SCRIPT", "FLUSH")
        self.verbs.clear()
        self._forget()

    def _answer_readers(self) -> None:
        for key in list(self._ringing):
            reader = next((r for r in self.readers if key in r.keys and not r.answer.done()), None)
            if reader is not None:
                self.pop((key,))
                reader.answer.set_result(key)
                self.readers.remove(reader)

    def pop(self, keys: Sequence[str]) -> str | None:
        """Take the first of these bells that rings."""
        key = next((key for key in keys if key in self._ringing), None)
        if key is not None:
            self._ringing.remove(key)
            self.wire.call("ZPOPMIN", key)
        return key


class SimConnection:
    """`engine.connection.Connection` for one simulated process."""

    def __init__(self, server: SimServer, host: Host) -> None:
        self._server = server
        self._host = host
        self._reads: dict[str, _Reader] = {}

    async def run(self, sha: str, prefix: str, args: Sequence[Word]) -> Any:
        """EVALSHA with the partition's prefix as its only key."""
        verb = self._server.verbs.get(sha, "?")
        return await self._sent(verb, ("EVALSHA", sha, 1, prefix, *args))

    def ask(self, *_: object) -> bool:
        """Every call here takes its time: `run` is used."""
        return False

    async def load(self, source: str) -> str:
        """SCRIPT LOAD; costs no time, a process begins with fifty of them."""
        self._host.alive()
        self._reachable()
        sha = sha1(source.encode()).hexdigest()  # noqa: S324 - the server's own name for it
        return sha if sha in self._server.verbs else self._server.load(source)

    async def command(self, *args: Word) -> Any:
        """One command. Raises as the real one does."""
        return await self._sent(str(args[0]), args)

    keyless = command

    async def server_ms(self) -> int:
        """The world's time."""
        return EPOCH_MS + int(self._server.loop.time() * 1000)

    def _reachable(self) -> None:
        if self._server.down or self._host.cut:
            raise StoreUnavailable("the server cannot be reached")

    async def _sent(self, name: str, words: Sequence[Word]) -> Any:
        host, server = self._host, self._server
        await host.pace()
        host.risk(f"before {name}")
        trouble = server.fate.draw("store", f"{host.name} {name}", TROUBLE)
        if server.down or host.cut or trouble == "request_lost":
            await host.sleep(0.05 if trouble else 0.2)
            raise StoreUnavailable("no answer")
        if trouble == "late":
            delay_s = 30 * server.fate.number(f"late {host.name} {name} {len(server.fate.fired)}")
            server.loop.later(delay_s, self._execute_late, words)
            await host.sleep(5.0)
            raise StoreUnavailable("no answer; it is executed later")
        answer = server.execute(host, words)
        host.risk(f"after {name}")
        if trouble == "reply_lost":
            await host.sleep(0.1)
            raise StoreUnavailable("the answer was lost")
        await host.pace()
        return answer

    def _execute_late(self, words: Sequence[Word]) -> None:
        try:
            self._server.execute(self._host, words)
        except ScriptMissing:
            return  # the cache was flushed meanwhile: this copy is refused

    async def pop_bell(self, slot: str, keys: Sequence[str], block_s: float = BLOCK_S) -> str | None:
        """BZPOPMIN in virtual time."""
        host, server = self._host, self._server
        await host.pace()
        self._reachable()
        rung = server.pop(keys)
        if rung is None:
            rung = await self._blocked(slot, tuple(keys), block_s)
        if rung is not None and server.fate.draw("store", f"{host.name} bell", BELL_LOST):
            raise StoreUnavailable("a bell was lost with its reader")
        await host.pace()
        return rung

    async def _blocked(self, slot: str, keys: tuple[str, ...], block_s: float) -> str | None:
        loop = self._server.loop
        reader = _Reader(keys, loop.create_future())
        self._reads[slot] = reader
        self._server.readers.append(reader)
        timer = loop.call_later(block_s, _give_up, reader)
        try:
            return await reader.answer
        finally:
            timer.cancel()
            if reader in self._server.readers:
                self._server.readers.remove(reader)
            if self._reads.get(slot) is reader:
                del self._reads[slot]

    async def interrupt(self, slot: str) -> bool:
        """End an outstanding read without losing what it popped."""
        await self._host.pace()
        reader = self._reads.get(slot)
        if reader is None:
            return False
        _give_up(reader)
        return True

    async def unblock(self, slot: str) -> None:
        """`interrupt`, for those who need no answer."""
        await self.interrupt(slot)

    async def close(self) -> None:
        """Nothing is open."""


def _give_up(reader: _Reader) -> None:
    if not reader.answer.done():
        reader.answer.set_result(None)
