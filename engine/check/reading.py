"""Reads pieces of a store, each by one script as of one moment, and never writes.

The scripts lie in `lua/check`, in a library of their own: the workers' scripts are not made longer by them.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

from engine.check.values import EdgeTable, JobRead, KeyRead, LaneRead, PartRead, UserRead
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import ScriptFailed, StoreMismatch
from engine.keys import CONTRA_ACCOUNTS, SCHEMA, WHOLE_GRAPH, tag
from engine.rows import lines_of
from engine.script_files import parse_library
from engine.scripts import Library

PACK: Final = "pack.lua"
"""The one file of the folder that is no verb."""
PAGE: Final = 500
"""Keys asked for in one SCAN; bounds how long the server is taken."""
COUNT_MAX: Final = 50_000
"""Keys (or live jobs) that one script may add up: about 10 ms of the server's time."""
_STAR: Final = ord("*")
QUEUE_LANES_MAX: Final = 5_000


def check_sources() -> dict[str, str]:
    """The Lua files of the reading verbs, path → text."""
    folder = files("engine") / "lua" / "check"
    return {
        f"{'lib' if file.name == PACK else 'verbs'}/{file.name}": file.read_text(encoding="utf-8")
        for file in folder.iterdir()
    }


@cache
def check_library() -> Library:
    """The reading verbs, read once a process."""
    return parse_library(check_sources())


class StoreReader:
    """A store opened for looking only. `async with await StoreReader.open(url) as reader`."""

    def __init__(self, connection: Connection, partitions: int, *, clustered: bool) -> None:
        self.connection = connection
        self.partitions = partitions
        self.clustered = clustered
        self.calls = Dispatcher(connection, verbs=check_library())
        self.tags = {tag(index, partitions): index for index in range(partitions)}
        self._prefixes = list(self.tags)
        self._edges: dict[tuple[int, str], EdgeTable | None] = {}

    @classmethod
    async def open(cls, url: str) -> Self:
        """Raises StoreUnavailable, and StoreMismatch when there is no store or one of another schema."""
        connection = Connection(url)
        try:
            partitions = await _partitions(connection)
            server = await connection.info("server")
            mode = str(server.get("redis_mode", server.get("server_mode", "standalone")))
            opened = cls(connection, partitions, clustered=mode == "cluster")
            await opened.calls.load()
        except BaseException:  # cancelled too: no connection stays open
            await connection.close()
            raise
        return opened

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.calls.close()
        await self.connection.close()

    def prefix(self, partition: int) -> str:
        """The key prefix of a partition."""
        return self._prefixes[partition]

    async def size(self) -> int:
        """Keys on the server; 0 when a cluster does not tell."""
        return 0 if self.clustered else int(await self.connection.keyless("DBSIZE"))

    async def pages(self) -> AsyncIterator[dict[str, list[str]]]:
        """All key names, page by page: prefix → names without it. Keys of others are left out.

        A cluster's node may hold several partitions, so each is asked for by its tag there.
        """
        scans = [(p, f"{p}:*") for p in self._prefixes] if self.clustered else [(self._prefixes[0], "*")]
        for prefix, pattern in scans:
            cursor = "0"
            while True:
                answer = await self.calls.call(prefix, "scan", cursor=cursor, pattern=pattern, count=PAGE)
                cursor = _text(answer[0])
                if answer[1]:
                    yield self._grouped(answer[1])
                if cursor == "0":
                    break

    def _grouped(self, raw: Iterable[bytes]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for key in raw:
            head, sign, name = _text(key).partition("}:")
            prefix = f"{head}}}"
            if sign and (prefix in self.tags or head.startswith("{p:")):
                groups.setdefault(prefix, []).append(name)
        return groups

    async def user(self, partition: int, uid: str, jobs: Sequence[str] = ()) -> UserRead:
        """A user with all their jobs; `jobs` adds those their own keys may have forgotten."""
        answer = await self.calls.call(self.prefix(partition), "user", uid=uid, jobs=list(jobs))
        account, rows, externals, index, index_ttl, line, ready, shown = unpacked(answer)
        return UserRead(
            partition=partition,
            uid=uid,
            account=_texts(account),
            rows=tuple(rows),
            externals=frozenset(map(_text, externals)),
            index=tuple(map(_text, index)),
            index_ttl_ms=int(index_ttl),
            line=tuple(map(_text, line)),
            ready=_text(ready),
            jobs=tuple(map(_job, shown)),
        )

    async def keys(self, prefix: str, names: Sequence[str]) -> list[KeyRead]:
        """Small facts of keys."""
        flat = unpacked(await self.calls.call(prefix, "keys", names=list(names)))
        partition = self.tags.get(prefix, -1)
        facts = zip(names, flat[::3], flat[1::3], flat[2::3], strict=True)
        return [KeyRead(partition, n, int(ttl), _text(word), _text(own)) for n, ttl, word, own in facts]

    async def index(self, partition: int, name: str) -> AsyncIterator[tuple[str, str, str]]:
        """Entries of `t`, `qz` or `rdy` with what stands behind them. One that moves may be missed."""
        start = 0
        while True:
            answer = await self.calls.call(
                self.prefix(partition), "index", name=name, start=start, count=PAGE
            )
            flat = unpacked(answer)
            if not flat:
                return
            for member, first, second in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
                yield _text(member), _text(first), _text(second)
            start += PAGE

    async def lane(self, partition: int, queue: str, lane: str) -> LaneRead:
        """One lane of an ordered queue."""
        answer = await self.calls.call(self.prefix(partition), "lane", name=queue, lane=lane)
        due, order, entries, jobs = answer
        fields = dict(zip(map(_text, entries[::2]), entries[1::2], strict=True))
        return LaneRead(partition, queue, lane, _text(due), tuple(map(_text, order)), fields, _texts(jobs))

    async def queue(self, partition: int, name: str) -> tuple[int, int]:
        """Entries of a queue as counted by itself and by us (-1 = too many lanes to count at one moment)."""
        said, counted = await self.calls.call(
            self.prefix(partition), "queue", name=name, limit=QUEUE_LANES_MAX
        )
        return _number(said), _number(counted)

    async def part(self, partition: int) -> PartRead:
        """A partition's sums."""
        answer = await self.calls.call(
            self.prefix(partition), "part", limit=COUNT_MAX, contras=list(CONTRA_ACCOUNTS)
        )
        ctl, balances, counters, total, states = answer
        return PartRead(
            partition,
            _texts(ctl),
            dict(zip(CONTRA_ACCOUNTS, map(_number, balances), strict=True)),
            {name: _number(times) for name, times in _texts(counters).items()},
            int(total) if total else None,
            {name: int(n) for name, n in _texts(states).items()} if states != b"" else None,
        )

    async def edges(self, partition: int, digest: str) -> EdgeTable | None:
        """The edges of a graph version, None when it is not on record."""
        known = (partition, digest)
        if known not in self._edges:
            try:
                flat = await self.connection.command("HGETALL", f"{self.prefix(partition)}:g:{digest}")
            except ScriptFailed:  # no hash: as good as none
                flat = []
            table = {n: w for n, w in _texts(flat).items() if n != WHOLE_GRAPH}
            self._edges[known] = table or None
        return self._edges[known]

    async def moved(self) -> tuple[str, ...]:
        """Marks that change with every write to the server."""
        return tuple([_text(await self.calls.call(prefix, "moved")) for prefix in self._prefixes])


def unpacked(raw: bytes) -> list[Any]:
    """The list that `lua/check/pack.lua` packed."""
    at = 0

    def read() -> Any:
        nonlocal at
        colon = raw.index(b":", at)
        if raw[at] == _STAR:
            count = int(raw[at + 1 : colon])
            at = colon + 1
            return [read() for _ in range(count)]
        start = colon + 1
        at = start + int(raw[at:colon])
        return raw[start:at]

    found: list[Any] = read()
    return found


async def _partitions(connection: Connection) -> int:
    recorded = await connection.command("HMGET", f"{tag(0, 1)}:ctl", "partitions", "schema")
    if recorded[0] is None or recorded[1] is None:
        raise StoreMismatch("there is no store on this server: nothing to check")
    if int(recorded[1]) != SCHEMA:
        raise StoreMismatch(f"the store has schema {int(recorded[1])}, this program reads {SCHEMA}")
    return int(recorded[0])


def _job(shown: Sequence[Any]) -> JobRead:
    name, guards, doc, request, history, ttls, timer, aside = shown
    j, d, p, h, hi = (int(ttl) for ttl in ttls)
    return JobRead(
        _text(name),
        _texts(guards),
        doc,
        request,
        tuple(lines_of(_text(name), history)),
        (j, d, p, h, hi),
        _text(timer),
        _text(aside),
    )


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _texts(flat: Any) -> Mapping[str, str]:
    if isinstance(flat, dict):
        return {_text(name): _text(value) for name, value in flat.items()}
    return dict(zip(map(_text, flat[::2]), map(_text, flat[1::2]), strict=True))


def _number(value: Any) -> int:
    """A damaged number counts as 0, so that the sums it belongs to do not fit."""
    word = _text(value)
    return int(word) if word.removeprefix("-").isdecimal() else 0
