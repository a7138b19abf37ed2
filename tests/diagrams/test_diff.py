from dataclasses import replace
from pathlib import Path

import pytest

from diagrams.diff import as_text, compare, joined_pairs
from diagrams.load import NoGraphError, load_graph
from diagrams.overlay import Change
from states.graph import GRAPH, build_graph
from states.graph_json import GraphFileError, graph_from_json
from states.vocabulary import Reason, Stage

_GEN = Stage.GENERATING
PATIENT = build_graph(GRAPH.strategy.changed(_GEN, Reason.NETWORK, retries=9))
FORGIVING = build_graph(GRAPH.strategy.changed(_GEN, Reason.NO_PRODUCT, retries=1, delays_s=(5,)))
LEANER = build_graph(
    replace(
        GRAPH.strategy,
        rows=tuple(r for r in GRAPH.strategy.rows if r.key != (Stage.SENDING, Reason.BAD_RESPONSE)),
        deadline_s=60,
    )
)


def test_same_graphs_have_no_difference() -> None:
    diff = compare(GRAPH, build_graph())
    assert diff.same
    assert diff.edges == ()
    assert "are the same" in as_text(diff)


def test_changed_number_changes_every_edge_of_its_row() -> None:
    diff = compare(GRAPH, PATIENT)
    assert set(diff.changes) == {
        "generating/error/network",
        "generating/error/network/exhausted",
        "generating/error/network/exhausted/free",
    }
    assert set(diff.changes.values()) == {Change.CHANGED}
    assert "retries: 5 → 9" in as_text(diff)


def test_new_policy_adds_removes_and_redirects() -> None:
    diff = compare(GRAPH, FORGIVING)
    assert {item.edge for item in diff.of(Change.ADDED)} == {
        "generating/error/no_product/exhausted",
        "generating/error/no_product/exhausted/free",
    }
    assert {item.edge for item in diff.of(Change.REMOVED)} == {"generating/error/no_product/free"}
    (moved,) = diff.of(Change.CHANGED)
    assert "target: refunded → retry_wait" in moved.text


def test_policy_numbers_are_named() -> None:
    diff = compare(GRAPH, LEANER)
    assert diff.policy == ("deadline_s: 3600 → 60",)
    assert len(diff.of(Change.REMOVED)) == 3


def test_traffic_of_a_change_is_counted() -> None:
    text = as_text(compare(GRAPH, LEANER), {"sending/error/bad_response": 5, "queued/start": 45})
    assert "- sending/error/bad_response  [5×]" in text
    assert "5 of 50 recorded moves went over these edges (10.0%)" in text


def test_joined_arrows_hold_the_edges_of_both() -> None:
    ids = [edge for pair in joined_pairs(compare(GRAPH, LEANER)) for edge in pair.ids]
    assert sorted(ids) == sorted(GRAPH.by_id)
    lines = {e for pair in joined_pairs(compare(GRAPH, FORGIVING)) for line in pair.lines for e in line.edges}
    assert lines == GRAPH.by_id.keys() | FORGIVING.by_id.keys()


# --- graphs from files --------------------------------------------------------------------------


@pytest.mark.parametrize("graph", [GRAPH, PATIENT, FORGIVING, LEANER], ids=["now", "a", "b", "c"])
def test_canonical_json_reads_back_as_the_same_graph(graph: object) -> None:
    assert isinstance(graph, type(GRAPH))
    again = graph_from_json(graph.canonical_json())
    assert again == graph
    assert again.digest == graph.digest


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "not JSON"),
        ("[]", "not a graph"),
        ("{}", "'strategy' is missing"),
        (
            GRAPH.canonical_json().replace("queued/start", "queued/begin").replace("queued", "waiting"),
            "not a graph",
        ),
        (GRAPH.canonical_json().replace('"initial":"queued"', '"initial":"done"'), "other states or fields"),
    ],
)
def test_what_is_not_a_graph_is_refused(text: str, why: str) -> None:
    with pytest.raises(GraphFileError, match=why):
        graph_from_json(text)


def test_graph_is_loaded_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(PATIENT.canonical_json() + "\n", encoding="utf-8")
    assert load_graph(str(path)).digest == PATIENT.digest
    assert load_graph("now") is GRAPH
    path.write_text("{", encoding="utf-8")
    with pytest.raises(NoGraphError, match="not JSON"):
        load_graph(str(path))


@pytest.mark.parametrize("name", ["no-such-revision", "--output=stolen", ""])
def test_what_is_neither_file_nor_revision_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoGraphError, match="git revision"):
        load_graph(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
