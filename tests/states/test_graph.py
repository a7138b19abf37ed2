"""The graph's own promises: the seven states, stable ids, a digest that moves with meaning only."""

from states.graph import GRAPH, EdgeKind, build_graph
from states.strategy import STRATEGY
from states.vocabulary import State


def test_exactly_seven_states_with_these_names() -> None:
    names = ["queued", "generating", "retry_wait", "sending", "done", "refunded", "failed"]
    assert [state.value for state in State] == names


def test_ids_are_words_of_state_trigger_reason() -> None:
    for edge in GRAPH.edges:
        assert edge.id.startswith(f"{edge.source}/{edge.trigger}")
        assert edge.reason in edge.id
    assert "generating/error/rate_limited" in GRAPH.by_id


def test_digest_is_stable_and_semantic() -> None:
    assert build_graph(STRATEGY).digest == GRAPH.digest
    assert GRAPH.canonical_json() == build_graph(STRATEGY).canonical_json()


def test_kinds_follow_targets() -> None:
    kinds = {edge.target: edge.kind for edge in GRAPH.edges}
    assert kinds[State.DONE] is EdgeKind.DONE
    assert kinds[State.REFUNDED] is EdgeKind.REFUND
    assert kinds[State.FAILED] is EdgeKind.FAILURE
    assert kinds[State.RETRY_WAIT] is EdgeKind.RETRY
    assert kinds[State.SENDING] is EdgeKind.FLOW


def test_the_store_table_names_the_money_of_each_edge() -> None:
    table = GRAPH.store_table()
    assert table["sending/delivered"] == "sending|done|capture"
    assert table["generating/error/no_product"] == "generating|refunded|release"
    assert table["queued/start"] == "queued|generating|-"
