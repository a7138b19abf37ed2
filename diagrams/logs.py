"""Logs of jobs read into overlays: JSON lines as the history writes them, plain or gzipped.

A log may hold many jobs in any order, and what happened beside a history (denied, duplicate) as well.
Lines that are not records are an error with file and line, never skipped in silence. Records are read one
by one and forgotten: `diagrams.journal` keeps sums.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from diagrams.overlay import Overlay, Step
from states.graph import Graph
from states.vocabulary import State

Record = Mapping[str, Any]


class LogError(ValueError):
    """A log that cannot be read; the message is one sentence with the mend."""


def read_logs(paths: Iterable[Path]) -> Iterator[Record]:
    """All records of these files, one after another. Raises LogError."""
    return (record for path in paths for record in _read(path))


def _read(path: Path) -> Iterator[Record]:
    try:
        with _opened(path) as lines:
            yield from _records(lines, path.name)
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise LogError(f"Cannot read {path}: {why}. Give a file of JSON lines, plain or gzipped.") from error
    except UnicodeDecodeError as error:
        raise LogError(f"{path.name} is not UTF-8 text. Give a file of JSON lines.") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as start:
        zipped = start.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if zipped else path.open(encoding="utf-8")


def _records(lines: Iterable[str], name: str) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _record(line, f"{name}, line {number}")


def _record(line: str, place: str) -> Record:
    try:
        record = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise LogError(f"{place}: not JSON. Write one record a line, or remove the line.") from error
    if not isinstance(record, dict) or not {"job", "seq", "ts", "event"} <= record.keys():
        raise LogError(f"{place}: not a history record (job, seq, ts and event are needed).")
    if not isinstance(record["seq"], int) or not isinstance(record["ts"], int):
        raise LogError(f"{place}: not a history record (seq and ts must be whole numbers).")
    return record


def path_overlay(records: Iterable[Record], graph: Graph, job: str = "") -> Overlay:
    """One job's way, numbered. Raises LogError when the log holds several jobs and none was named."""
    steps: dict[int, Record] = {}
    first = ""
    for record in records:
        if record.get("disp", "transition") != "transition" or "edge" not in record:
            continue
        name = str(record["job"])
        first = first or name
        if not job and name != first:
            raise LogError(f"The log holds several jobs: name one with --job ({first}, {name} ...).")
        if name == (job or first):
            steps[record["seq"]] = record
    if not steps:
        raise LogError(f"The log has no transitions{f' of job {job}' if job else ''}.")
    path = tuple(_step(n, steps[seq], graph) for n, seq in enumerate(sorted(steps), start=1))
    return Overlay(path=path, current=path[-1].target)


def _step(n: int, record: Record, graph: Graph) -> Step:
    edge = graph.by_id.get(str(record["edge"]))
    try:
        source = State(record["from"]) if edge is None else edge.source
        target = State(record["to"]) if edge is None else edge.target
    except (KeyError, ValueError) as error:
        raise LogError(f"The log moves between states this program does not have (step {n}).") from error
    return Step(n, source, target, str(record["edge"]))
