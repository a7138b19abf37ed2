"""A finding made small: the fewest records of one job that still show it."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from engine.codec import encode
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.values import Finding, Kind, Record
from engine.replay.whatif import Counterfactual
from states.machine import Judge

Failing = Callable[[Sequence[Record]], bool]


def finding_of(rows: Sequence[Record], shelf: Shelf) -> Finding | None:
    """The first finding of a job's records, None when they are all the same."""
    replayer = Replayer(shelf)
    replayer.feed([encode(row) for row in rows])
    found = replayer.finish().findings
    return found[0] if found else None


def fails_alike(kind: Kind, shelf: Shelf) -> Failing:
    """Still the same kind of finding?"""

    def failing(rows: Sequence[Record]) -> bool:
        found = finding_of(rows, shelf)
        return found is not None and found.kind is kind

    return failing


def moves_alike(another: Callable[[Judge], Judge], shelf: Shelf) -> Failing:
    """Would the other policy still decide otherwise?"""
    return lambda rows: _chained(rows) and Counterfactual(shelf, another).feed(rows).moved > 0


def _chained(rows: Sequence[Record]) -> bool:
    """Does each move begin where the last one ended?"""
    moves = [row for row in rows if row.get("disp") == "transition"]
    return bool(moves) and all(a["to"] == b["from"] for a, b in pairwise(moves))


def shrunk(rows: Sequence[Record], failing: Failing) -> list[Record]:
    """The smallest failing log: the shortest failing prefix, then every round of retries that is not
    needed cut out (with the numbers after it closed up). `rows` itself must fail.
    """
    kept = list(rows)
    for end in range(1, len(kept) + 1):
        if failing(kept[:end]):
            kept = kept[:end]
            break
    size = len(kept) - 1
    while size >= 1:
        start, cut = 1, False
        while start + size <= len(kept):
            smaller = _without(kept, start, size)
            if failing(smaller):
                kept, cut = smaller, True
            else:
                start += 1
        size = size if cut else size - 1
    return kept


def _without(rows: Sequence[Record], start: int, size: int) -> list[Record]:
    """Some records left out. The rest keeps its order, and its seqs are closed up."""
    gone, later = rows[start : start + size], rows[start + size :]
    moved = sum(1 for row in gone if row.get("disp") == "transition")
    return [*rows[:start], *(_closed(row, moved) for row in later)]


def _closed(row: Record, moved: int) -> Record:
    seq = row["seq"] - moved
    out = [word.replace(f"{row['job']}:{row['seq']}", f"{row['job']}:{seq}") for word in row.get("out", ())]
    return {**row, "seq": seq, "out": out}
