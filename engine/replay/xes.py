"""A log as XES (IEEE 1849), for process mining: a trace a job, an event a transition."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import quoteattr

from engine.replay.track import ENDS
from engine.replay.values import Record

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">\n'
    '  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>\n'
    '  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>\n'
    '  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>\n'
    '  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>\n'
    '  <classifier name="Edge" keys="concept:name"/>\n'
)


def xes(rows: Iterable[Record]) -> Iterator[str]:
    """The text, piece by piece: a trace when its job ends, those that have not ended at last.

    Jobs may be interleaved, as a busy store writes them; only the jobs that live at a time are in memory.
    """
    yield _HEAD
    live: dict[str, list[str]] = {}
    for row in rows:
        if row.get("disp") != "transition":
            continue
        live.setdefault(row["job"], []).append(_event(row))
        if row["to"] in ENDS:
            yield _trace(row["job"], live.pop(row["job"]))
    for job, events in live.items():
        yield _trace(job, events)
    yield "</log>\n"


def _trace(job: str, events: list[str]) -> str:
    name = f'<string key="concept:name" value={quoteattr(job)}/>'
    return f"  <trace>\n    {name}\n{''.join(events)}  </trace>\n"


def _event(row: Record) -> str:
    when = datetime.fromtimestamp(row["ts"] / 1000, UTC).isoformat(timespec="milliseconds")
    words = {
        "concept:name": row.get("edge", row["event"]),
        "lifecycle:transition": "complete",
        "org:resource": row.get("by", ""),
        "from": row.get("from", ""),
        "to": row["to"],
    }
    if rule := row["in"].get("rule"):
        words["rule"] = rule  # beside the name: a net of the graph has one transition an edge
    strings = "".join(f"<string key={quoteattr(k)} value={quoteattr(v)}/>" for k, v in words.items())
    return f'    <event>{strings}<date key="time:timestamp" value="{when}"/></event>\n'
