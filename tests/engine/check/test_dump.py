"""A dump holds a store whole: what is loaded from it is judged like the store itself."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.check.dump import DumpBroken, Dumped, load_dump, write_dump
from engine.check.reading import StoreReader
from engine.connection import Connection
from tests.engine.check.flows import Lives, T, checked, rules, shown
from tests.servers import running_server

pytestmark = pytest.mark.usefixtures("swept")


@pytest.fixture(scope="module")
def other_url() -> Iterator[str]:
    """A second server."""
    with running_server() as url:
        yield url


@pytest.fixture
async def other(other_url: str) -> Connection:
    """A connection to the second server, empty."""
    async with Connection(other_url) as link:
        await link.command("FLUSHALL")
    return Connection(other_url)


async def _written(url: str, path: Path) -> Dumped:
    async with await StoreReader.open(url) as reader:
        return await write_dump(reader, path)


READ = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"set": ("SMEMBERS",),
    b"list": ("LRANGE", 0, -1),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", "-", "+"),
}


async def _all(link: Connection) -> dict[str, tuple[bytes, str]]:
    """Type and content of every key; the order within hashes and sets is each server's own."""
    found = {}
    for raw in await link.command("KEYS", "{1768}:*"):
        kind, key = await link.command("TYPE", raw), raw.decode()
        verb, *rest = READ[kind]
        content = await link.command(verb, key, *rest)
        if isinstance(content, dict):
            content = sorted(content.items())
        found[key] = (kind, repr(sorted(content) if kind == b"set" else content))
    return found


@pytest.mark.parametrize("name", ["store.jsonl", "store.jsonl.gz"])
async def test_a_store_goes_through_a_dump_unchanged(
    lives: Lives, redis_url: str, other: Connection, other_url: str, tmp_path: Path, name: str
) -> None:
    await lives.run("SET", f"{T}:u:7:draft", b"\xff\x00\xfe", "PX", 90_000)
    dumped = await _written(redis_url, tmp_path / name)
    async with other:
        assert await load_dump(other, tmp_path / name) == dumped
        assert await _all(other) == await _all(lives.books.store.connection)
        assert 0 < await other.command("PTTL", f"{T}:u:7:draft") < 2 * 86_400_000
    report = await checked(other_url)
    assert report.clean, shown(report)
    assert report.keys == dumped.keys
    assert not dumped.moved


async def test_damage_is_found_in_a_dump_too(
    lives: Lives, redis_url: str, other: Connection, other_url: str, tmp_path: Path
) -> None:
    await lives.run("HINCRBY", f"{T}:a:7", "bal", 5)
    await _written(redis_url, tmp_path / "d")
    async with other:
        await load_dump(other, tmp_path / "d")
    assert rules(await checked(other_url)) == {"I1.balance", "I1.sum"}


async def test_a_dump_of_a_store_in_use_says_so(lives: Lives, redis_url: str, tmp_path: Path) -> None:
    async with await StoreReader.open(redis_url) as reader:
        marks = iter([("1",), ("2",)])

        async def moved() -> tuple[str, ...]:
            return next(marks)

        reader.moved = moved  # type: ignore[method-assign]
        assert (await write_dump(reader, tmp_path / "d")).moved
    async with await StoreReader.open(redis_url) as reader:
        first = await reader.moved()
        await lives.run("HINCRBY", f"{T}:a:7", "bal", 5)
        assert await reader.moved() != first


async def test_long_keys_are_loaded_in_parts(
    lives: Lives, redis_url: str, other: Connection, tmp_path: Path
) -> None:
    await lives.run("RPUSH", f"{T}:l:9", *range(2_500))
    await lives.run("ZADD", f"{T}:uj:9", *(word for n in range(1_200) for word in (n, f"m{n}")))
    await lives.run("SADD", f"{T}:lim:names", *range(20))
    await _written(redis_url, tmp_path / "d")
    async with other:
        await load_dump(other, tmp_path / "d")
        assert await _all(other) == await _all(lives.books.store.connection)


HEAD = {"format": "reelstate-dump", "version": 1, "partitions": 1}
KEY = {"k": "{1768}:ctl", "t": "hash", "ttl": -1, "v": ["schema", "1"]}
END = {"keys": 1, "moved": False}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "cut off"),
        ([{"a": 1}], "is no dump"),
        ([HEAD | {"version": 9}], "version 9"),
        ([HEAD, KEY], "cut off after 1 keys"),
        ([HEAD, END], "cut off after 0 keys"),
        ([HEAD, KEY, END, KEY], "nothing may follow"),
        ([HEAD, KEY | {"t": "vector"}, END], "line 2.*unknown type"),
        ([HEAD, KEY | {"ttl": "soon"}, END], "line 2"),
        ([HEAD, KEY | {"v": [{"b64": "?"}]}, END], "line 2"),
        ([HEAD, [1], END], "line 2"),
    ],
)
async def test_what_is_no_whole_dump_is_refused(
    other: Connection, tmp_path: Path, lines: list[object], why: str
) -> None:
    path = tmp_path / "d"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    async with other:
        with pytest.raises(DumpBroken, match=why):
            await load_dump(other, path)


async def test_a_damaged_file_is_refused(other: Connection, tmp_path: Path) -> None:
    text, packed = tmp_path / "d", tmp_path / "d.gz"
    text.write_bytes(json.dumps(HEAD).encode() + b"\n{nonsense\n")
    packed.write_bytes(gzip.compress(json.dumps(HEAD).encode() * 99)[:-9])
    async with other:
        for path in (text, packed):
            with pytest.raises(DumpBroken, match=r"cannot be read"):
                await load_dump(other, path)
