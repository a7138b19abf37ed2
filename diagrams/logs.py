"""Logs of jobs read into overlays: JSON lines as the history writes them, plain or gzipped.

A log may hold many jobs in any order, and what happened beside a history (denied, duplicate) as well.
Lines that are not records are an error with file and line, never skipped in silence.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from diagrams.overlay import Overlay, Stay, Step
from states.graph import Graph
from states.vocabulary import TERMINALS, Money, State

Record = Mapping[str, Any]


class LogError(ValueError):
    """A log that cannot be read; the message is one sentence with the mend."""


def read_logs(paths: Iterable[Path]) -> list[Record]:
    """All records of these files. Raises LogError."""
    return [record for path in paths for record in _read(path)]


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


@dataclass(frozen=True)
class Journal:
    """The records of a log, sorted out. `moves`: transitions by job in order. `births`: submit times, ms."""

    moves: Mapping[str, tuple[Record, ...]]
    births: Mapping[str, int]
    asides: tuple[Record, ...]
    foreign: tuple[str, ...]


def journal(records: Iterable[Record], graph: Graph) -> Journal:
    """Sort records by job. `foreign` names the edges this graph does not have."""
    moves: dict[str, dict[int, Record]] = {}
    births: dict[str, int] = {}
    asides: list[Record] = []
    for record in records:
        job = str(record["job"])
        if record.get("disp", "transition") != "transition":
            asides.append(record)
        elif "edge" in record:
            moves.setdefault(job, {})[record["seq"]] = record
        else:
            births[job] = record["ts"]
    ordered = {job: tuple(steps[n] for n in sorted(steps)) for job, steps in moves.items()}
    edges = {str(r["edge"]) for steps in ordered.values() for r in steps}
    foreign = tuple(sorted(edges - graph.by_id.keys()))
    return Journal(MappingProxyType(ordered), MappingProxyType(births), tuple(asides), foreign)


def traffic(log: Journal) -> Mapping[str, int]:
    """How often each edge fired, by id."""
    counts: dict[str, int] = {}
    for record in _all(log):
        counts[str(record["edge"])] = counts.get(str(record["edge"]), 0) + 1
    return MappingProxyType(dict(sorted(counts.items())))


def counts_overlay(log: Journal) -> Overlay:
    """Traffic, time in state, credits and refused attempts of a whole log."""
    return Overlay(counts=traffic(log), times=_stays(log), money=_money(log), errors=_refused(log))


def coverage_overlay(log: Journal) -> Overlay:
    """Which edges a log (of production or of tests) covered."""
    return Overlay(fired=frozenset(traffic(log)))


def path_overlay(log: Journal, graph: Graph, job: str = "") -> Overlay:
    """One job's way, numbered. Raises LogError when the log holds several jobs and none was named."""
    steps = log.moves[_which(log, job)]
    path = tuple(_step(n, record, graph) for n, record in enumerate(steps, start=1))
    return Overlay(path=path, current=path[-1].target)


def _which(log: Journal, job: str) -> str:
    if job in log.moves:
        return job
    if job:
        raise LogError(f"The log has no transitions of job {job}.")
    if not log.moves:
        raise LogError("The log has no transitions.")
    if len(log.moves) > 1:
        some = ", ".join(sorted(log.moves)[:3])
        raise LogError(f"The log holds {len(log.moves)} jobs: name one with --job ({some} ...).")
    return next(iter(log.moves))


def _step(n: int, record: Record, graph: Graph) -> Step:
    edge = graph.by_id.get(str(record["edge"]))
    try:
        source = State(record["from"]) if edge is None else edge.source
        target = State(record["to"]) if edge is None else edge.target
    except (KeyError, ValueError) as error:
        raise LogError(f"The log moves between states this program does not have (step {n}).") from error
    return Step(n, source, target, str(record["edge"]))


def _all(log: Journal) -> Iterator[Record]:
    return (record for steps in log.moves.values() for record in steps)


def _stays(log: Journal) -> Mapping[State, Stay]:
    """Time from entering a state to leaving it; a move back into the same state does not leave it."""
    stays: dict[str, list[int]] = {}
    for job, steps in log.moves.items():
        since: int | None = log.births.get(job)
        for record in steps:
            source, target = record.get("from"), record.get("to")
            if source == target:
                continue
            if since is not None:
                stays.setdefault(str(source), []).append(record["ts"] - since)
            since = record["ts"]
    known = {state.value for state in State if state not in TERMINALS}
    found = {State(s): _stay(times) for s, times in stays.items() if s in known}
    return MappingProxyType({state: found[state] for state in State if state in found})


def _stay(times: Sequence[int]) -> Stay:
    ordered = sorted(times)
    return Stay(_rank(ordered, 0.5), _rank(ordered, 0.95), len(ordered))


def _rank(ordered: Sequence[int], part: float) -> int:
    """The nearest-rank percentile: a value that really happened."""
    return ordered[max(ceil(part * len(ordered)) - 1, 0)]


def _money(log: Journal) -> Mapping[str, int]:
    """Credits by edge, read from the planned effects: captures positive, releases negative."""
    signs = {Money.CAPTURE.value: 1, Money.RELEASE.value: -1}
    money: dict[str, int] = {}
    for record in _all(log):
        for effect in record.get("out", ()):
            name, amount, *_ = (*str(effect).split(":"), "")
            if name in signs and amount.isdecimal():
                edge = str(record["edge"])
                money[edge] = money.get(edge, 0) + signs[name] * int(amount)
    return MappingProxyType(dict(sorted(money.items())))


def _refused(log: Journal) -> Mapping[str, int]:
    """Attempts that were denied or matched no guard, by the state they met."""
    refused: dict[str, int] = {}
    for record in log.asides:
        if record.get("disp") in ("denied", "unmatched"):
            state = str(record.get("from", ""))
            refused[state] = refused.get(state, 0) + 1
    return MappingProxyType(dict(sorted(refused.items())))
