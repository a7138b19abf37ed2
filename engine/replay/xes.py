"""A log as XES (IEEE 1849), for process mining: a trace a job, an event a transition."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Final
from xml.sax.saxutils import quoteattr

from engine.replay.values import Record

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">\n'
    '  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>\n'
    '  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>\n'
    '  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>\n'
    '  <classifier name="Edge" keys="concept:name"/>\n'
)


def xes(rows: Iterable[Record]) -> Iterator[str]:
    """The text, piece by piece. Records of a job must stand together (as `log export` writes them)."""
    yield _HEAD
    for job, own in groupby((r for r in rows if r.get("disp") == "transition"), key=lambda row: row["job"]):
        yield f'  <trace>\n    <string key="concept:name" value={quoteattr(job)}/>\n'
        yield from map(_event, own)
        yield "  </trace>\n"
    yield "</log>\n"


def _event(row: Record) -> str:
    when = datetime.fromtimestamp(row["ts"] / 1000, UTC).isoformat(timespec="milliseconds")
    rule = row["in"].get("rule", "")
    words = {
        "concept:name": f"{row.get('edge', row['event'])}{f' [{rule}]' if rule else ''}",
        "lifecycle:transition": "complete",
        "org:resource": row.get("by", ""),
        "from": row.get("from", ""),
        "to": row["to"],
    }
    strings = "".join(f"<string key={quoteattr(k)} value={quoteattr(v)}/>" for k, v in words.items())
    return f'    <event>{strings}<date key="time:timestamp" value="{when}"/></event>\n'
