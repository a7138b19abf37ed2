"""I8: ordered queues hold together, and what is in the outbox belongs to what really happened."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from engine.check.values import Finding, LaneRead
from engine.codec import decode
from engine.queues import OUTBOX

_OF_JOB: Final = re.compile(r"^([0-9a-f]-[A-Za-z0-9_-]+):(.+)$")
_WORDS: Final = 3
_SEQ: Final = re.compile(r"^(\d+)(?:-[a-z_]+)?:")


def lane_findings(lane: LaneRead) -> Iterator[Finding]:
    """Judge one lane of a queue."""
    yield from _structure(lane)
    if lane.queue == OUTBOX:
        for place in lane.order:
            packed = _unpacked(lane, place)
            if packed is not None:
                yield from _entry(lane, *packed)


def _unpacked(lane: LaneRead, place: str) -> tuple[str, bytes] | None:
    """Id and body of the entry at a place (`lua/lib/queue_entry.lua`: id, word and body, a line each)."""
    words = lane.entries.get(place, b"").split(b"\n", 2)
    return (_text(words[0]), words[2]) if len(words) == _WORDS else None


def _structure(lane: LaneRead) -> Iterator[Finding]:
    if bool(lane.order) != bool(lane.due):
        what = "a lane with entries is never due" if lane.order else "a lane without entries is due"
        yield _says(lane, "I8.lane", what, "lanes")
    for place, times in Counter(lane.order).items():
        if times > 1:
            yield _says(lane, "I8.lane", "an entry stands in its lane twice", place)
    yield from _places(lane)
    places = set(lane.order)
    for name, value in lane.entries.items():
        if name.startswith(("i:", "w:")):
            if _text(value) not in places:
                yield _says(lane, "I8.lane", "an id or word leads to no entry", name)
        elif name != "f" and name not in places:
            yield _says(lane, "I8.lane", "an entry has no place in its lane", name)
    if "f" in lane.entries and not lane.order:
        yield _says(lane, "I8.lane", "a lane without entries is in somebody's hands", "f")


def _places(lane: LaneRead) -> Iterator[Finding]:
    for place in dict.fromkeys(lane.order):
        packed = _unpacked(lane, place)
        if packed is None:
            yield _says(lane, "I8.lane", "a place in the lane has no entry", place)
        elif lane.entries.get(f"i:{packed[0]}") != place.encode():
            yield _says(lane, "I8.lane", "an entry's id does not lead to its place", packed[0])


def _entry(lane: LaneRead, entry_id: str, body: bytes) -> Iterator[Finding]:
    told = _body(body)
    if told is None:
        yield _says(lane, "I8.id", "an outbox entry cannot be read", entry_id)
        return
    notice = told.get("notice")
    if isinstance(notice, dict) and notice.get("id") != entry_id:
        what = "an outbox entry's id is not the one in its body"
        yield _says(lane, "I8.id", what, entry_id, str(notice.get("id")), entry_id)
    named = _OF_JOB.match(entry_id)
    if named is None:
        return
    job, mark = named[1], named[2]
    seq = lane.jobs.get(job, "")
    made = _SEQ.match(mark)
    if not seq.isdecimal():
        yield _says(
            lane,
            "I8.row",
            "an outbox entry belongs to no job, or was not told before its job expired",
            entry_id,
            job=job,
        )
    elif made is not None and int(made[1]) > int(seq):
        what = "an outbox entry belongs to a transition that was never made"
        yield _says(lane, "I8.row", what, entry_id, f"at most {seq}", made[1], job=job)


def _body(raw: bytes) -> dict[str, Any] | None:
    try:
        found = decode(raw)
    except ValueError:
        return None
    whole = isinstance(found, dict) and ("notice" in found or "alert" in found)
    return found if whole else None


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _says(
    lane: LaneRead, rule: str, what: str, entry: str, expected: str = "", found: str = "", *, job: str = ""
) -> Finding:
    where = f"{lane.queue}:{lane.lane}:{entry}"
    return Finding(rule, what, lane.partition, "", job, where, expected, found)
