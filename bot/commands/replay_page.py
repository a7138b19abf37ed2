"""The page of `reelstate replay --html`: a job's records stepped through on the state diagram. One file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from diagrams.layout import NoLayoutError
from diagrams.svg import paint
from engine.replay.graphs import Shelf
from engine.replay.values import Finding, Record, ReplayError
from states.machine import JUDGE

JOBS_MAX: Final = 50
"""Jobs on a page; more would make it slow, and nobody steps through more."""


def page_of(rows: Iterable[Record], shelf: Shelf, job: str, findings: Sequence[Finding]) -> str:
    """The page as text. `job`, or the jobs of the findings, or else the log's first ones.

    Raises ReplayError when the log has no such job, or the graph cannot be drawn here.
    """
    wanted = {job} if job else {f.job for f in islice(findings, JOBS_MAX) if f.job}
    steps: dict[str, list[Record]] = {}
    for row in rows:
        name = row["job"]
        if name in steps or name in wanted or (not wanted and len(steps) < JOBS_MAX):
            steps.setdefault(name, []).append(row)
    if not steps:
        raise ReplayError(f"The log has no records of job {job}." if job else "The log has no records.")
    digest = str(next(iter(steps.values()))[0].get("graph", ""))
    judge = shelf.judge(digest) or JUDGE
    faults = {f"{f.job}:{f.seq}": [f.sentence(), *f.why] for f in findings if f.job in steps}
    try:
        svg = paint(judge.graph, theme="auto")
    except NoLayoutError as error:
        raise ReplayError(str(error)) from None
    return _filled(
        {
            "@TITLE@": escape(f"Replay of {job or f'{len(steps)} jobs'}"),
            "@SVG@": svg,
            "@DATA@": _embedded(
                {"jobs": {name: [_step(row) for row in own] for name, own in steps.items()}, "faults": faults}
            ),
        }
    )


def _step(row: Record) -> dict[str, Any]:
    known = ("seq", "ts", "event", "from", "to", "edge", "in", "out", "by", "disp", "why")
    return {name: row[name] for name in known if name in row}


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON inside a script element: nothing in it may end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _filled(parts: Mapping[str, str]) -> str:
    page = files("bot.commands").joinpath("replay_page.html").read_text(encoding="utf-8")
    for mark, text in parts.items():
        page = page.replace(mark, text, 1)
    return page
