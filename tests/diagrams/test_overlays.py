import gzip
import json
import tracemalloc
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest

from diagrams.journal import Journal, counts_overlay, coverage_overlay, journal, traffic
from diagrams.labels import pairs
from diagrams.logs import LogError, path_overlay, read_logs
from diagrams.overlay import Change, Overlay, Stay, Step
from diagrams.svg import paint
from diagrams.terminal import COLUMNS, terminal
from states.graph import GRAPH
from states.vocabulary import State
from tests.diagrams.lives import life, write_log

SVG = "{http://www.w3.org/2000/svg}"


def _groups(over: Overlay) -> list[ET.Element]:
    return list(ET.fromstring(paint(GRAPH, overlay=over)).iter(f"{SVG}g"))  # noqa: S314 - our own


def _group(over: Overlay, kind: str, source: str, target: str) -> ET.Element:
    (found,) = (
        g
        for g in _groups(over)
        if g.attrib["class"].startswith(f"{kind} ")
        and (g.attrib["data-from"], g.attrib["data-to"]) == (source, target)
    )
    return found


def _words(group: ET.Element) -> str:
    return " ".join("".join(text.itertext()) for text in group.iter(f"{SVG}text"))


def test_path_is_numbered_and_the_rest_fades() -> None:
    over = Overlay(
        current=State.DONE,
        path=(
            Step(1, State.QUEUED, State.GENERATING, "queued/start"),
            Step(2, State.GENERATING, State.RETRY_WAIT, "generating/error/network"),
            Step(3, State.RETRY_WAIT, State.GENERATING),
            Step(4, State.GENERATING, State.RETRY_WAIT, "generating/error/network"),
        ),
    )
    assert "2,4" in _words(_group(over, "label", "generating", "retry_wait"))
    assert "faded" in _group(over, "arrow", "sending", "done").attrib["class"]
    assert "faded" not in _group(over, "arrow", "retry_wait", "generating").attrib["class"]
    current = [g.attrib["data-state"] for g in _groups(over) if "current" in g.attrib["class"].split()]
    assert current == ["done"]


def test_path_lights_only_the_rules_that_fired() -> None:
    over = Overlay(path=(Step(1, State.GENERATING, State.RETRY_WAIT, "generating/error/network"),))
    label = _group(over, "label", "generating", "retry_wait")
    lit = [g.attrib["data-edges"] for g in label.iter(f"{SVG}g") if g.attrib.get("class") == "rule"]
    assert len(lit) == 1
    assert "generating/error/network" in lit[0].split()


def test_traffic_widens_and_never_fired_edges_are_dashed() -> None:
    over = Overlay(counts={"queued/start": 1000, "sending/delivered": 10})
    assert "1,000" in _words(_group(over, "label", "queued", "generating"))
    assert "never" in _group(over, "arrow", "queued", "sending").attrib["class"]
    assert _stroke(over, "queued", "generating") > _stroke(over, "sending", "done") > 1.5


def _stroke(over: Overlay, source: str, target: str) -> float:
    path = next(_group(over, "arrow", source, target).iter(f"{SVG}path"))
    return float(path.attrib["style"].removeprefix("stroke-width:").removesuffix("px"))


def test_times_credits_and_refusals_are_written_down() -> None:
    over = Overlay(
        times={State.GENERATING: Stay(41_000, 180_000, 9)},
        money={"generating/expire": -12, "sending/delivered": 24},
        errors={"queued": 3},
    )
    page = paint(GRAPH, overlay=over)
    assert "p50 41 s · p95 3 min" in page
    assert "−12 cr" in page
    assert "+24 cr" in page
    assert "3 refused" in page


def test_coverage_says_how_many_edges_of_an_arrow() -> None:
    over = Overlay(fired=frozenset({"generating/error/network", "generating/error/unknown"}))
    assert "2/17" in _words(_group(over, "label", "generating", "retry_wait"))
    assert "never" in _group(over, "arrow", "sending", "done").attrib["class"]


def test_changes_colour_rules_by_themselves() -> None:
    over = Overlay(changes={"generating/expire": Change.CHANGED}, counts={"generating/expire": 7})
    label = _group(over, "label", "generating", "refunded")
    changed = [g for g in label.iter(f"{SVG}g") if g.attrib.get("class") == "rule changed"]
    assert [g.attrib["data-edges"] for g in changed] == ["generating/expire"]
    assert "7×" in _words(label)
    assert "changed" in _group(over, "arrow", "generating", "refunded").attrib["class"]
    assert "faded" in _group(over, "arrow", "sending", "done").attrib["class"]


# --- logs ---------------------------------------------------------------------------------------


def test_log_gives_counts_times_and_money(log: Journal, log_file: Path) -> None:
    over = counts_overlay(log)
    moves = [record for record in read_logs([log_file]) if "edge" in record]
    assert over.counts is not None
    assert sum(over.counts.values()) == len(moves)
    assert set(over.times) <= {State.QUEUED, State.GENERATING, State.RETRY_WAIT, State.SENDING}
    assert over.times[State.QUEUED].p50_ms <= over.times[State.QUEUED].p95_ms
    delivered = [r for r in moves if r["edge"] == "sending/delivered"]
    assert over.money["sending/delivered"] == 12 * sum(
        1 for r in delivered if any("capture" in e for e in r["out"])
    )


def test_stay_in_a_state_is_measured_across_its_own_loop(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"v": 1, "job": "j", "seq": n, "ts": ts, "event": "e", **move})
            for n, (ts, move) in enumerate(
                [
                    (0, {}),
                    (1000, {"edge": "queued/start", "from": "queued", "to": "generating"}),
                    (5000, {"edge": "generating/accepted", "from": "generating", "to": "generating"}),
                    (9000, {"edge": "generating/rendered", "from": "generating", "to": "sending"}),
                ]
            )
        ),
        encoding="utf-8",
    )
    over = counts_overlay(journal(read_logs([path]), GRAPH))
    assert over.times[State.QUEUED] == Stay(1000, 1000, 1)
    assert over.times[State.GENERATING] == Stay(8000, 8000, 1)


def test_gzipped_logs_read_the_same(log_file: Path, log: Journal, tmp_path: Path) -> None:
    zipped = tmp_path / "jobs.jsonl.gz"
    zipped.write_bytes(gzip.compress(log_file.read_bytes()))
    assert traffic(journal(read_logs([zipped]), GRAPH)) == traffic(log)


def test_order_of_lines_does_not_matter(log_file: Path, log: Journal, tmp_path: Path) -> None:
    turned = tmp_path / "turned.jsonl"
    turned.write_text(
        "\n".join(reversed(log_file.read_text(encoding="utf-8").splitlines())), encoding="utf-8"
    )
    assert counts_overlay(journal(read_logs([turned]), GRAPH)) == counts_overlay(log)
    there, back = (path_overlay(read_logs([file]), GRAPH, "job-3") for file in (log_file, turned))
    assert there == back


def test_logs_that_overlap_count_a_job_once(log_file: Path, log: Journal) -> None:
    again = journal(read_logs([log_file, log_file]), GRAPH)
    assert counts_overlay(again) == counts_overlay(log)


def test_of_a_log_only_sums_are_kept() -> None:
    def peak(jobs: int) -> int:
        rows = [row for number in range(jobs) for row in life(number, Random(number))]
        tracemalloc.start()
        found = counts_overlay(journal(rows, GRAPH))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.counts
        assert found.counts["queued/start"] > jobs * 0.9
        return most

    peak(20)
    grown = (peak(900) - peak(300)) / 600
    assert (
        grown < 900
    )  # bytes a job: that it has ended, lengths of stays seen for the first time; its records are 5 kB


def test_a_percentile_of_many_stays_is_a_thousandth_off_at_most() -> None:
    rnd, found, stays = Random(3), Journal(GRAPH), []
    for number in range(5000):
        stays.append(int(10 ** rnd.uniform(0, 8)))
        job = {"v": 1, "job": f"j{number}", "event": "e"}
        found.add({**job, "seq": 0, "ts": 7})
        move = {"edge": "queued/expire", "from": "queued", "to": "refunded"}
        found.add({**job, "seq": 1, "ts": 7 + stays[-1], **move})
    stay, ordered = found.close().times[State.QUEUED], sorted(stays)
    assert stay.visits == 5000
    for told, exact in ((stay.p50_ms, ordered[2499]), (stay.p95_ms, ordered[4749])):
        assert told in stays
        assert exact <= told <= exact * 1.002


def test_path_of_a_job(log_file: Path) -> None:
    over = path_overlay(read_logs([log_file]), GRAPH, "job-3")
    assert [step.n for step in over.path] == list(range(1, len(over.path) + 1))
    assert over.path[0].source is State.QUEUED
    assert over.current is over.path[-1].target


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"job": "j"}\n', "line 1: not a history record"),
        (b"[1]\n", "line 1: not a history record"),
        (b"nonsense\n", "line 1: not JSON"),
        (b"\xff\xfe\xfa\n", "not UTF-8"),
        (b'{"job": "j", "seq": "1", "ts": 2, "event": "x"}\n', "must be whole numbers"),
        (b"\x1f\x8bnot really gzip", "Cannot read"),
    ],
)
def test_bad_logs_are_refused_with_the_place(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(LogError, match=why):
        list(read_logs([path]))


def test_several_jobs_need_a_name(log_file: Path) -> None:
    with pytest.raises(LogError, match="name one with --job"):
        path_overlay(read_logs([log_file]), GRAPH)
    with pytest.raises(LogError, match="no transitions of job nobody"):
        path_overlay(read_logs([log_file]), GRAPH, "nobody")


def test_asides_are_not_moves(log_file: Path, tmp_path: Path) -> None:
    lines = log_file.read_text(encoding="utf-8").splitlines()
    denied = {
        "v": 1,
        "job": "job-1",
        "seq": 1,
        "ts": 5,
        "event": "cancel",
        "from": "sending",
        "disp": "denied",
    }
    path = tmp_path / "more.jsonl"
    path.write_text("\n".join([*lines, json.dumps(denied)]), encoding="utf-8")
    over = counts_overlay(journal(read_logs([path]), GRAPH))
    assert over.errors == {"sending": 1}


# --- terminal -----------------------------------------------------------------------------------


def test_terminal_view_fits_a_hundred_columns(log: Journal, log_file: Path) -> None:
    way = path_overlay(read_logs([log_file]), GRAPH, "job-3")
    overlays = [Overlay(), counts_overlay(log), coverage_overlay(log), way]
    for over in overlays:
        for language in ("en", "ru"):
            lines = terminal(GRAPH, over, language).splitlines()
            assert max(map(len, lines)) <= COLUMNS


def test_terminal_view_names_every_reason_and_pair() -> None:
    text = terminal(GRAPH)
    assert all(edge.reason in text for edge in GRAPH.edges)
    assert text.count("sending ") >= sum(1 for pair in pairs(GRAPH) if pair.target is State.SENDING)


def test_terminal_shows_the_path_as_a_strip(tmp_path: Path) -> None:
    records = read_logs([write_log(tmp_path / "l.jsonl", 3)])
    over = path_overlay(records, GRAPH, "job-0")
    assert "queued ─1→" in terminal(GRAPH, over).replace("\u00a0", " ")
