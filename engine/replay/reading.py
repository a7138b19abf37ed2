"""Logs from files: JSON lines, gzipped or not, streamed. A torn end is a value, not an exception."""

import gc
import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final, cast

from engine.codec import decode, encode
from engine.replay.graphs import Shelf, graph_of
from engine.replay.values import Record, ReplayError

MAGIC: Final = b"\x1f\x8b"
TORN: Final = b"\x00torn"
"""Stands for the rest of a gzip file that ends in the middle."""
BUFFER: Final = 1 << 20
INFLATED: Final = 1 << 18
BATCH: Final = 4096


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A log for reading; `-` is standard input. Raises ReplayError when it cannot be had."""
    if path == "-":
        yield _inflated(sys.stdin.buffer)
        return
    try:
        raw = Path(path).open("rb", buffering=BUFFER)  # noqa: SIM115 - closed below; only opening is guarded
    except OSError as error:
        raise ReplayError(
            f"Cannot read {path}: {error.strerror or error}. Give a log file, or - for stdin."
        ) from None
    with raw:
        yield _inflated(raw)


def _inflated(raw: IO[bytes]) -> IO[bytes]:
    buffered = raw if hasattr(raw, "peek") else BufferedReader(cast("RawIOBase", raw), BUFFER)
    head = cast("BufferedReader", buffered).peek(2)[:2]
    if head != MAGIC:
        return buffered
    # gzip's own buffer is of 8 kB: its step of Python for each would cost a third of the inflating.
    return BufferedReader(cast("RawIOBase", gzip.open(buffered, "rb")), INFLATED)


def position(log: IO[bytes]) -> int:
    """How many bytes of the file were read (of the compressed one, when it is)."""
    packed = getattr(getattr(log, "raw", None), "fileobj", log)
    return int(packed.tell())


def lines_of(log: Iterable[bytes], told: Callable[[], None] | None = None) -> Iterator[bytes]:
    """The lines of an open log; `told` is called now and then, for a progress bar.

    A compressed log that was cut off ends with the line TORN.
    """
    return chain.from_iterable(_batches(log, told))


def _batches(log: Iterable[bytes], told: Callable[[], None] | None) -> Iterator[list[bytes]]:
    """Lines by the thousand: a step of Python for each would cost a tenth of the whole replay."""
    lines, batch = iter(log), [b""]
    while batch:
        batch = []
        try:
            batch.extend(islice(lines, BATCH))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield [*batch, TORN]
            return
        if batch and told is not None:
            told()
        yield batch


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Without the garbage collector: records make no cycles, it would only look at them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read_records(lines: Iterable[bytes], shelf: Shelf | None = None) -> Iterator[Record]:
    """The records of lines that are whole; ReplayError names the first that is not. Learns their graphs."""
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        row = parsed(line)
        if row is None:
            raise ReplayError(f"Line {number} is torn or no record: run `reelstate log verify` first.")
        if "def" not in row:
            yield row
        elif shelf is not None:
            shelf.add(graph_of(row["def"]))


def parsed(line: bytes) -> Record | None:
    """A line as a record; None when it is torn or something else."""
    try:
        row = decode(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def line_of(row: Record) -> bytes:
    """A record as a line of a log."""
    return encode(row) + b"\n"


def graph_line(digest: str, canonical: str) -> bytes:
    """The line that makes a log readable everywhere: a graph's whole definition, before its records."""
    row = {"v": 1, "job": "@graph", "seq": 0, "ts": 0, "graph": digest, "event": "graph", "disp": "graph"}
    return encode({**row, "def": decode(canonical)}) + b"\n"


@contextmanager
def writing(path: str) -> Iterator[IO[bytes]]:
    """A log for writing: `-` is standard output, `.gz` is compressed (the same bytes each time)."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        raw = Path(path).open("wb", buffering=BUFFER)  # noqa: SIM115 - closed below; only opening is guarded
    except OSError as error:
        raise ReplayError(f"Cannot write {path}: {error.strerror or error}.") from None
    with raw:
        if not path.endswith(".gz"):
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed:
            yield cast("IO[bytes]", packed)
