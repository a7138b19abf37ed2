"""The only way to the server. Commands answer or raise one of three plain errors.

redis-py's own retries are off: it would send a command again whose answer was lost, without an operation
id. A command that was lost here has an *unknown outcome*; `engine.dispatch` asks again by its op id.
How the server is found says `engine.endpoints`, how sure an acknowledged write is `engine.durability`.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, Self, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from engine.driver.blocking import BLOCK_S, BlockingReads
from engine.driver.clients import close_client, make_pool, watchers
from engine.driver.cluster import ClusterLine
from engine.driver.errors import LOST, ScriptMissing, answered, ours, told
from engine.driver.pipe import Pipe
from engine.durability import Durability, Facts, Promise, facts_of, promise_of
from engine.endpoints import Kind, parse_endpoint
from engine.errors import ScriptFailed, StoreUnavailable

__all__ = ["BLOCK_S", "Connection", "ScriptMissing"]

COMMAND_TIMEOUT_S: Final = 5.0
POOL: Final = 8
WAITING_POOL: Final = 32
"""Connections where each write waits for its confirmation: they are held longer."""


class Connection:
    """A small pool for commands, plus one connection for each outstanding blocking read.

    Addresses are those of `engine.endpoints`. Each script's keys lie in one slot, so a cluster needs
    nothing else. Raises AddressWrong.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int | None = None,
        command_timeout_s: float = COMMAND_TIMEOUT_S,
        durability: Durability = Durability.FAST,
    ) -> None:
        self.endpoint = parse_endpoint(url)
        self.durability = durability
        size = pool_size or (POOL if durability is Durability.FAST else WAITING_POOL)
        self._cluster: ClusterLine | None = None
        self._redis: Redis | None = None
        self._pipe: Pipe | None = None
        self._timeout_s = command_timeout_s
        pool = None
        if self.endpoint.kind is Kind.CLUSTER:
            self._cluster = ClusterLine(self.endpoint, size=size, timeout_s=command_timeout_s)
        else:
            pool = make_pool(self.endpoint, size=size, connect_s=command_timeout_s, read_s=command_timeout_s)
            self._redis = Redis.from_pool(pool)
            self._pipe = Pipe(pool, command_timeout_s)
        self._promise: Promise | None = Promise() if durability is Durability.FAST else None
        self._reads: set[str] = set()
        self._sources: dict[str, str] = {}
        self.blocking = BlockingReads(self.endpoint, self._cluster, pool)

    @property
    def clustered(self) -> bool:
        """Whether keys lie on several servers."""
        return self._cluster is not None

    async def run(self, sha: str, prefix: str, args: Sequence[str | bytes | int]) -> Any:
        """EVALSHA with the partition's prefix as its only key. Raises as `command`.

        What writes is confirmed as `durability` asks; StoreUnavailable also when it could not be.
        """
        words = ("EVALSHA", sha, 1, prefix, *args)
        if sha in self._reads:
            return await self._alone(prefix, words)
        promise = await self._promised()
        asked = promise.asked(prefix)
        if not asked:
            return await self._alone(prefix, words)
        try:
            answer, *confirmed = await told(self._together(prefix, words, *asked))
        except StoreUnavailable:
            self._promise = None  # another server may answer next
            raise
        missing = promise.missing(confirmed)
        if missing:
            self._promise = None
            raise StoreUnavailable(missing)
        return answer

    def ask(
        self,
        sha: str,
        prefix: str,
        args: Sequence[str | bytes | int],
        heard: Callable[[Any], None],
        within_s: float,
    ) -> bool:
        """`run` at once and without a task: `heard` gets the answer, or one of our errors as a value.

        False when something has to be waited for first (a link, a promise), or a silent server could keep
        the caller for longer than `within_s`: nothing was asked, use `run`.
        """
        if self._pipe is None or within_s < self._timeout_s:
            return False
        if sha not in self._reads and (self._promise is None or self._promise.asked(prefix)):
            return False

        def mapped(value: Any) -> None:
            heard(ours(value) if isinstance(value, Exception) else value)

        return self._pipe.ask(("EVALSHA", sha, 1, prefix, *args), mapped)

    async def _alone(self, prefix: str, words: Sequence[str | bytes | int]) -> Any:
        """A script with nothing asked behind it: it need not wait for the answers of those before it."""
        if self._pipe is None:
            return await self.command(*words, key=prefix)
        return await told(self._pipe.run(words))

    async def load(self, source: str) -> str:
        """SCRIPT LOAD, on every master of a cluster that answers; the sha."""
        if self._cluster is None:
            sha = _text(await self.command("SCRIPT LOAD", source))
        else:
            source = _guarded(source)
            answers = await self.masters("SCRIPT LOAD", source)
            sha = _text(next(iter(answers.values())))
            self._sources[sha] = source
        if "no-writes" in source.partition("\n")[0]:
            self._reads.add(sha)
        return sha

    async def command(self, *args: str | bytes | float, key: str | None = None) -> Any:
        """One command on the server, in a cluster on the one that has its key (its second word).

        Raises StoreUnavailable (outcome unknown), ScriptMissing, ScriptFailed or StoreMismatch.
        """
        place = key if key is not None else str(args[1]) if len(args) > 1 else ""
        (answer,) = await told(self._together(place, args))
        return answer

    async def keyless(self, *args: str | bytes | float) -> Any:
        """One command without a key, in a cluster on any node. Raises as `command`."""
        if self._cluster is not None:
            return answered(await told(self._cluster.anywhere(*args)))
        return await self.command(*args, key="")

    async def masters(self, *args: str | bytes | float) -> Mapping[str, Any]:
        """One command without a key on every master that answers. Raises as `command` when none does."""
        if self._cluster is None:
            return {self.endpoint.shown: await self.command(*args, key="")}
        answers = await told(self._cluster.masters(*args))
        fine = {name: answer for name, answer in answers.items() if not isinstance(answer, LOST)}
        if not fine:
            raise ours(next(iter(answers.values())), "no master answered")
        return {name: answered(answer) for name, answer in fine.items()}

    async def _together(self, key: str, *commands: Sequence[str | bytes | float]) -> list[Any]:
        """Commands on one connection: the first one's answer, then answers or errors of the others."""
        if self._cluster is not None:
            answers = await self._cluster.send(key, *commands)
            name, sha = str(commands[0][0]), str(commands[0][1])
            if isinstance(answers[0], NoScriptError) and name == "EVALSHA" and sha in self._sources:
                # a new master: it learns the script with this call, wherever the key is by now
                whole = ("EVAL", self._sources[sha], *commands[0][2:])
                answers = await self._cluster.send(key, whole, *commands[1:])
        elif len(commands) == 1:
            return [await self._one.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
        else:
            async with self._one.pipeline(transaction=False) as pipe:
                for words in commands:
                    pipe.execute_command(*words)
                answers = await pipe.execute(raise_on_error=False)
        return [_raised(answers[0]), *answers[1:]]

    @property
    def _one(self) -> Redis:
        return cast("Redis", self._redis)

    async def _promised(self) -> Promise:
        """What must be asked behind a script, learnt from the servers as they are now."""
        if self._promise is None:
            self._promise = promise_of(self.durability, list((await self.facts()).values()))
        return self._promise

    async def facts(self) -> Mapping[str, Facts]:
        """What each master says of its disk, by its address."""
        server = await self.masters("INFO", "server")
        persistence = await self.masters("INFO", "persistence")
        fsync = await self.settings("appendfsync")
        both = [name for name in server if name in persistence]
        return {name: facts_of(server[name], persistence[name], fsync.get(name, "")) for name in both}

    async def settings(self, name: str) -> Mapping[str, str]:
        """One configuration value of each master, none where it is hidden (managed servers, narrow users)."""
        try:
            answers = await self.masters("CONFIG GET", name)
        except ScriptFailed:
            return {}
        return {who: _setting(answer, name) for who, answer in answers.items()}

    async def sentinels(self) -> int:
        """How many sentinels watch the master; 0 where there are none."""
        return 0 if self._redis is None else await told(watchers(self._redis, self.endpoint.service))

    async def server_ms(self) -> int:
        """The server's clock, ms since the epoch."""
        seconds, micros = await self.keyless("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def info(self, section: str) -> dict[str, Any]:
        """One section of INFO, parsed by the driver."""
        return cast("dict[str, Any]", await self.keyless("INFO", section))

    async def config(self, name: str) -> str:
        """One configuration value of the server, "" when it does not tell (managed servers hide CONFIG)."""
        try:
            return _setting(await self.keyless("CONFIG GET", name), name)
        except ScriptFailed:
            return ""

    async def pop_bell(self, slot: str, keys: Sequence[str], block_s: float = BLOCK_S) -> str | None:
        """BZPOPMIN on a connection named `slot`: the key that rang, or None after `block_s` real seconds.

        Raises StoreUnavailable when the link is gone; the connection is dropped then.
        """
        answer = await self.blocking.read(slot, keys[0], block_s, "BZPOPMIN", *keys, block_s)
        return None if not answer else _text(answer[0])

    async def read_stream(self, slot: str, key: str, after: str, block_s: float = BLOCK_S) -> list[Any]:
        """XREAD BLOCK on a connection named `slot`: (id, fields) pairs newer than `after`."""
        block_ms = max(1, int(block_s * 1000))
        answer = await self.blocking.read(
            slot, key, block_s, "XREAD", "COUNT", 100, "BLOCK", block_ms, "STREAMS", key, after
        )
        if not answer:
            return []
        (_, entries), *_ = answer
        return [(at, dict(zip(words[::2], words[1::2], strict=True))) for at, words in entries]

    async def interrupt(self, slot: str) -> bool:
        """Make an outstanding blocking read return at once, without losing what it may have popped.

        False when there was none at the server: not sent yet, or its answer is on its way.
        """
        place = self.blocking.places.get(slot)
        if place is None:
            return False
        words = ("CLIENT UNBLOCK", place.client_id, "TIMEOUT")
        if self._cluster is None or place.node is None:
            return bool(await self.command(*words, key=""))
        (answer,) = await told(self._cluster.on(place.node, words))
        return bool(answered(answer))

    async def unblock(self, slot: str) -> None:
        """`interrupt`, for those to whom a read that ends by itself is soon enough."""
        await self.interrupt(slot)

    async def close(self) -> None:
        """Close everything; outstanding blocking reads break."""
        await self.blocking.close()
        if self._cluster is not None:
            await self._cluster.close()
        if self._pipe is not None:
            await self._pipe.close()
        if self._redis is not None:
            await close_client(self._redis)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _raised(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _guarded(source: str) -> str:
    """A script that refuses to run while its slot is being moved (`lua/cluster/settled.lua` says why)."""
    head, _, body = source.partition("\n")
    text = (files("engine") / "lua" / "cluster" / "settled.lua").read_text(encoding="utf-8")
    return f"{head}\n{text}{body}"


def _setting(answer: Any, name: str) -> str:
    return {_text(k): _text(v) for k, v in dict(answer).items()}.get(name, "")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
