"""Dumps: all keys of a store as JSON lines (gzip when the name ends in .gz), and back into an empty server.

The first line tells the format, the last one how many keys there are and whether the store was written to
meanwhile (then its pieces may not fit together). Between them a key a line:

    {"k": "{1768}:a:7", "t": "hash", "ttl": -1, "v": ["bal", "90", "held", "10"]}

`ttl` in ms (-1 = for ever); `v` is flat, a stream's as id, field, value (the newest 1,000 entries). What is
no UTF-8 stands as {"b64": ...}. A dump holds users' data: their requests, messages and credits.
"""

import gzip
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from engine.check.reading import StoreReader, unpacked
from engine.codec import decode, encode
from engine.connection import Connection

FORMAT: Final = "reelstate-dump"
VERSION: Final = 1
STREAM_TAIL: Final = 1_000
KEYS_AT_ONCE: Final = 100
WORDS_AT_ONCE: Final = 1_000
"""Words in one command while loading; even, so that pairs stay together."""
GRACE_MS: Final = 86_400_000
"""Lifetimes are stretched while loading: nothing may expire under the check."""
_WRITES: Final = {"hash": "HSET", "list": "RPUSH", "set": "SADD", "zset": "ZADD"}


class DumpBroken(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """A file is no dump, or not a whole one; the text is one sentence with the mend."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What a dump holds. `moved`: the store was written to meanwhile."""

    keys: int
    moved: bool


async def write_dump(
    reader: StoreReader, path: Path, watch: Callable[[int], None] = lambda _: None
) -> Dumped:
    """Write all keys of a store to a file. Raises OSError, StoreUnavailable."""
    before = await reader.moved()
    with _opened(path, "wb") as file:
        _line(file, {"format": FORMAT, "version": VERSION, "partitions": reader.partitions})
        count = 0
        async for line in _keys(reader):
            _line(file, line)
            count += 1
            watch(count)
        moved = await reader.moved() != before
        _line(file, {"keys": count, "moved": moved})
    return Dumped(count, moved)


async def _keys(reader: StoreReader) -> AsyncIterator[dict[str, Any]]:
    seen: set[str] = set()  # SCAN may show a key twice
    async for page in reader.pages():
        for prefix, names in page.items():
            fresh = [name for name in names if f"{prefix}:{name}" not in seen]
            seen.update(f"{prefix}:{name}" for name in fresh)
            for start in range(0, len(fresh), KEYS_AT_ONCE):
                some = fresh[start : start + KEYS_AT_ONCE]
                flat = unpacked(await reader.calls.call(prefix, "dump", tail=STREAM_TAIL, names=some))
                for name, kind, ttl, words in zip(some, flat[::3], flat[1::3], flat[2::3], strict=True):
                    if kind != b"none":  # it expired since the scan
                        shown = [_shown(word) for word in words]
                        yield {"k": f"{prefix}:{name}", "t": kind.decode(), "ttl": int(ttl), "v": shown}


async def load_dump(
    connection: Connection, path: Path, watch: Callable[[int], None] = lambda _: None
) -> Dumped:
    """Put a dump into an empty server. Raises DumpBroken, OSError, StoreUnavailable."""
    count, end = 0, None
    for number, line in enumerate(_lines(path), start=1):
        if number == 1:
            _check_head(path, line)
        elif end is not None:
            raise DumpBroken(f"{path}, line {number}: nothing may follow the last line of a dump.")
        elif "k" in line:
            await _restore(connection, path, number, line)
            count += 1
            watch(count)
        else:
            end = line
    if end is None or end.get("keys") != count:
        raise DumpBroken(f"{path} is cut off after {count} keys: write it again, or copy it whole.")
    return Dumped(count, bool(end.get("moved")))


def _check_head(path: Path, line: dict[str, Any]) -> None:
    if line.get("format") != FORMAT:
        raise DumpBroken(f"{path} is no dump: make one with `reelstate check --write-dump FILE`.")
    if line.get("version") != VERSION:
        raise DumpBroken(f"{path} is a dump of version {line.get('version')}: this program reads {VERSION}.")


async def _restore(connection: Connection, path: Path, number: int, line: dict[str, Any]) -> None:
    try:
        key, kind, ttl = str(line["k"]), str(line["t"]), int(line["ttl"])
        words = [_raw(word) for word in line["v"]]
        commands = list(_commands(key, kind, words))
    except (KeyError, TypeError, ValueError) as error:
        raise DumpBroken(f"{path}, line {number}: this is no key of a dump ({error}).") from error
    for command in commands:
        await connection.command(*command)
    if ttl >= 0:
        await connection.command("PEXPIRE", key, ttl + GRACE_MS)


def _commands(key: str, kind: str, words: Sequence[bytes]) -> Iterator[Sequence[str | bytes]]:
    if kind == "string":
        yield "SET", key, words[0]
    elif kind == "stream":
        for at in range(0, len(words), 3):
            yield "XADD", key, *words[at : at + 3]
    elif kind in _WRITES:
        for at in range(0, len(words), WORDS_AT_ONCE):
            some = words[at : at + WORDS_AT_ONCE]
            yield _WRITES[kind], key, *(_scored(some) if kind == "zset" else some)
    else:
        raise ValueError(f"unknown type {kind}")


def _scored(pairs: Sequence[bytes]) -> Iterable[bytes]:
    """Member, score as ZRANGE tells it, turned round for ZADD."""
    return (word for at in range(0, len(pairs), 2) for word in (pairs[at + 1], pairs[at]))


def _shown(word: bytes) -> str | dict[str, str]:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(word).decode()}


def _raw(word: str | dict[str, str]) -> bytes:
    return word.encode() if isinstance(word, str) else b64decode(word["b64"], validate=True)


def _opened(path: Path, mode: str) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path, mode, compresslevel=6)  # type: ignore[return-value]
    return path.open(mode)


def _line(file: IO[bytes], value: dict[str, Any]) -> None:
    file.write(encode(value) + b"\n")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with _opened(path, "rb") as file:
            for number, raw in enumerate(file, start=1):
                line = decode(raw)
                if not isinstance(line, dict):
                    raise DumpBroken(f"{path}, line {number}: this is no line of a dump.")
                yield line
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise DumpBroken(f"{path}, line {number or 1}: cannot be read ({error}).") from error
