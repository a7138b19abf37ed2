"""I5 and I7: a job's history is a gap-free path of its own graph, and its epochs never went down."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from engine.check.values import EdgeTable, Finding, JobRead, Tally, UserRead
from engine.codec import decode
from states.migration import MIGRATED
from states.vocabulary import State

_OP: Final = re.compile(r"^(\d+):(\d+):")
"""A worker's operation id opens with the epoch it acted under and the seq it made."""

Record = Mapping[str, Any]


Tables = Callable[[str], EdgeTable | None]
"""The edges of a graph version, None when it is not on record."""


def graphs_of(job: JobRead) -> set[str]:
    """Digests of the graph versions a job has had: mostly one."""
    found = {job.guards.get("gv", "")}
    for raw in job.history:
        if b'"disp":"migrated"' in raw and (record := _record(raw)) is not None:
            found |= {str(record.get("graph", "")), str(record.get("why", ""))}
    return found


def history_findings(user: UserRead, job: JobRead, tables: Tables, tally: Tally) -> Iterator[Finding]:
    """Judge one job's history, and count its moves."""
    edges = tables(job.guards.get("gv", ""))
    records: list[Record | None] = [_record(raw) for raw in job.history]
    for place, record in enumerate(records):
        if record is None:
            yield _says(user, job, "I5.read", "a history record cannot be read", place)
    seq = job.number("seq")
    if seq is not None and len(records) != seq + 1:
        what = "the history is not as long as the job's seq says"
        yield _says(user, job, "I5.gap", what, "", str(seq + 1), str(len(records)))
    if edges is None:
        yield _says(user, job, "I5.graph", f"graph {job.guards.get('gv')} is not on record", "")
    yield from _walk(user, job, records, tables)
    yield from _epochs(user, job, records)
    _count(records, tally)


def _record(raw: bytes) -> Record | None:
    try:
        found = decode(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _walk(
    user: UserRead, job: JobRead, records: Sequence[Record | None], tables: Tables
) -> Iterator[Finding]:
    at: str | None = None
    version = next((_was(r) for r in records if r is not None and _migrated(r)), job.guards.get("gv", ""))
    for place, record in enumerate(records):
        if record is None:
            at = None
            continue
        number, target = record.get("seq"), str(record.get("to", ""))
        if not _migrated(record) and record.get("graph", version) != version:
            what = "a record was decided by a graph version the job did not have"
            yield _says(user, job, "I5.version", what, place, version, str(record.get("graph")))
        if number != place:
            what = "a history record has the wrong number"
            yield _says(user, job, "I5.gap", what, place, str(place), str(number))
        if place == 0:
            if target != State.QUEUED or record.get("from"):
                what = "the history does not begin with the submit into queued"
                yield _says(user, job, "I5.first", what, place, State.QUEUED, target)
        elif _migrated(record):
            yield from _migration(user, job, place, record, at, version)
            version = str(record.get("graph", ""))
        else:
            yield from _step(user, job, place, record, at, tables(version))
        at = target
    if version != job.guards.get("gv", ""):
        what = "the job's graph version is not the one its history leads to"
        yield _says(user, job, "I5.version", what, "", version, job.guards.get("gv", ""))
    if at is not None and at != job.guards.get("st"):
        what = "the last record does not lead to the job's state"
        yield _says(user, job, "I5.last", what, len(records) - 1, job.guards.get("st", ""), at)


def _migrated(record: Record) -> bool:
    return record.get("disp") == MIGRATED


def _was(record: Record) -> str:
    return str(record.get("why", ""))


def _migration(
    user: UserRead, job: JobRead, place: int, record: Record, at: str | None, version: str
) -> Iterator[Finding]:
    """A move to another graph version begins at the one the job had, and leaves its state alone."""
    source, target = str(record.get("from", "")), str(record.get("to", ""))
    if source != target or (at is not None and source != at):
        what = "a move to another graph version changed the state"
        yield _says(user, job, "I5.chain", what, place, at or source, target)
    if _was(record) != version:
        what = "a move to another graph version begins at one the job did not have"
        yield _says(user, job, "I5.version", what, place, version, _was(record))


def _step(
    user: UserRead, job: JobRead, place: int, record: Record, at: str | None, edges: EdgeTable | None
) -> Iterator[Finding]:
    source, target, edge = (str(record.get(name, "")) for name in ("from", "to", "edge"))
    if at is not None and source != at:
        what = "a record does not start where the one before ended"
        yield _says(user, job, "I5.chain", what, place, at, source)
    if edges is not None and edges.get(edge) != f"{source}|{target}":
        what = f"the move {source} → {target} by {edge or 'no edge'} is not in the job's graph"
        yield _says(user, job, "I5.edge", what, place, edges.get(edge, "no such edge"), f"{source}|{target}")


def _epochs(user: UserRead, job: JobRead, records: Sequence[Record | None]) -> Iterator[Finding]:
    last, own = 0, job.number("ep")
    for place, record in enumerate(records):
        seen = _OP.match(str(record.get("op", ""))) if record is not None else None
        if seen is None:
            continue
        epoch = int(seen[1])
        if epoch < last:
            what = "a transition was made under an older epoch than the one before"
            yield _says(user, job, "I7.epoch", what, place, f"at least {last}", str(epoch))
        if own is not None and epoch > own:
            what = "a transition was made under an epoch the job has not reached"
            yield _says(user, job, "I7.epoch", what, place, f"at most {own}", str(epoch))
        last = max(last, epoch)


def _count(records: Sequence[Record | None], tally: Tally) -> None:
    for place, record in enumerate(records):
        if record is not None and not _migrated(record):
            source, target, edge = (str(record.get(name) or "") for name in ("from", "to", "edge"))
            tally.edges[f"|{target}|submit" if place == 0 else f"{source}|{target}|{edge}"] += 1


def _says(
    user: UserRead,
    job: JobRead,
    rule: str,
    what: str,
    entry: int | str,
    expected: str = "",
    found: str = "",
) -> Finding:
    name = "" if entry == "" else f"h:{entry}"
    return Finding(rule, what, user.partition, user.uid, job.id, name, str(expected), found)
