"""Shrinking, tests made of jobs, XES, reports, the page."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bot.commands.replay_page import page_of
from engine.codec import encode
from engine.replay.changes import changed, parse_changes
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.reports import junit, markdown
from engine.replay.shrink import fails_alike, finding_of, moves_alike, shrunk
from engine.replay.totest import test_module
from engine.replay.values import Kind, ReplayError, Report
from engine.replay.whatif import Counterfactual, by_strategy
from engine.replay.xes import xes
from states.graph import GRAPH
from tests.engine.replay.make_log import make_log

ROWS = list(make_log(200, seed=7, trouble=2.0))


def jobs() -> list[list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ROWS:
        found.setdefault(row["job"], []).append(json.loads(encode(row)))
    return list(found.values())


LONG = max(jobs(), key=len)


def report_of(rows: list[dict[str, Any]]) -> Report:
    replayer = Replayer()
    replayer.feed(encode(row) for row in rows)
    return replayer.finish()


def test_a_finding_shrinks_to_the_records_that_show_it() -> None:
    broken = json.loads(json.dumps(LONG))
    broken[-1]["edge"] = "nowhere/land"
    found = finding_of(broken, Shelf())
    assert found is not None
    small = shrunk(broken, fails_alike(found.kind, Shelf()))
    assert finding_of(small, Shelf()).kind is Kind.EDGE  # type: ignore[union-attr]
    assert len(small) < len(broken)
    assert small[0]["seq"] == 0


def test_what_a_policy_moves_shrinks_to_the_failures_that_matter() -> None:
    changes = parse_changes("generating.*.retries=1")
    another = by_strategy(lambda strategy: changed(strategy, changes))
    failing = moves_alike(another, Shelf())
    own = next(rows for rows in jobs() if failing(rows) and len(rows) > 8)
    small = shrunk(own, failing)
    assert failing(small)
    assert len(small) < len(own)
    assert all(a["to"] == b["from"] for a, b in pairwise(small))
    assert not any(failing(small[:end]) for end in range(1, len(small)))


def test_a_test_made_of_a_job_runs_and_fails_when_the_job_is_touched() -> None:
    text = test_module(LONG, "long job")
    assert LONG[0]["job"] not in text
    _made(text)()
    with pytest.raises(AssertionError):
        _made(text.replace('"held":true', '"held":false', 2))()


def _made(text: str) -> Callable[[], None]:
    names: dict[str, Any] = {}
    exec(compile(text, "made.py", "exec"), names)  # noqa: S102 - our own text
    found: Callable[[], None] = names["test_long_job"]
    return found


def test_a_job_with_somebodys_words_is_not_made_into_a_test() -> None:
    with pytest.raises(ReplayError, match="must not leave"):
        test_module([{**LONG[0], "by": "Anna Petrova"}, *LONG[1:]], "x")


def test_xes_has_a_trace_a_job_and_an_event_a_transition() -> None:
    rows = [row for own in jobs() for row in own]
    tree = ET.fromstring("".join(xes(rows)))  # noqa: S314 - our own text
    name = "{http://www.xes-standard.org/}"
    assert len(tree.findall(f"{name}trace")) == 200
    assert len(tree.findall(f".//{name}event")) == sum(row["disp"] == "transition" for row in rows)
    assert tree.find(f".//{name}event/{name}date").get("key") == "time:timestamp"  # type: ignore[union-attr]
    named = {item.get("value") for item in tree.findall(f".//{name}event/{name}string[@key='concept:name']")}
    assert named <= {"submit", *GRAPH.by_id}, "a net of the graph has one transition an edge"


def test_xes_of_interleaved_jobs_has_a_trace_a_job() -> None:
    assert "".join(sorted(xes(ROWS))) == "".join(sorted(xes([row for own in jobs() for row in own])))
    unfinished = LONG[:-1]
    assert "".join(xes(unfinished)).count("<event>") == sum(r["disp"] == "transition" for r in unfinished)


def test_junit_and_markdown_say_what_was_found() -> None:
    broken = json.loads(json.dumps(LONG))
    broken[2]["ts"] += 5
    report = report_of(broken)
    suite = ET.fromstring(junit(report, "log"))  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert "time" in str(suite.find(".//failure").get("type"))  # type: ignore[union-attr]
    changes = parse_changes("generating.*.retries=1")
    answer = Counterfactual(Shelf(), by_strategy(lambda strategy: changed(strategy, changes))).feed(ROWS)
    text = markdown(report, "log", answer, "generating.*.retries=1")
    assert "| diverged | 1 |" in text
    assert "## What if generating.\\*.retries=1" in text
    assert f"| refunds | {answer.rows()[0][1]} |" in text


def test_markup_in_a_log_stays_text() -> None:
    bad = {**LONG[1], "edge": "<img src=x onerror=alert(1)>", "seq": 1}
    report = report_of([LONG[0], bad])
    assert "<img" not in markdown(report, "log")
    assert "<img" not in junit(report, "log")
    page = page_of(iter([LONG[0], bad, {**bad, "event": "</script><b>"}]), Shelf(), "", report.findings)
    assert "<img src=x" not in page
    assert "</script><b>" not in page


def test_the_page_steps_through_a_job_on_the_diagram() -> None:
    page = page_of(iter(ROWS), Shelf(), LONG[0]["job"], [])
    start = page.index('type="application/json">') + len('type="application/json">')
    data = json.loads(page[start : page.index("</script>", start)])
    assert list(data["jobs"]) == [LONG[0]["job"]]
    assert len(data["jobs"][LONG[0]["job"]]) == len(LONG)
    assert 'data-state="retry_wait"' in page
    assert 'data-from="queued"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_page_of_a_job_that_is_not_there_is_refused() -> None:
    with pytest.raises(ReplayError, match="no records of job"):
        page_of(iter(ROWS), Shelf(), "0-nobody", [])
