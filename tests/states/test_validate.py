"""Each kind of damage to the graph is found and named."""

from dataclasses import replace

import pytest

from states.facts import Guard
from states.graph import GRAPH, Edge, Graph, build_graph
from states.strategy import STRATEGY
from states.validate import InvalidGraphError, require_valid, validate
from states.vocabulary import NoticeKind, Reason, Stage, State, Trigger


def without(graph: Graph, *ids: str) -> Graph:
    return replace(graph, edges=tuple(e for e in graph.edges if e.id not in ids))


def plus(graph: Graph, edge: Edge) -> Graph:
    return replace(graph, edges=(*graph.edges, edge))


def test_the_default_graph_is_sound() -> None:
    assert validate(GRAPH) == []
    assert require_valid(GRAPH) is GRAPH


DAMAGE = [
    ("duplicate edge", plus(GRAPH, GRAPH.by_id["sending/delivered"])),
    ("exit from a terminal", plus(GRAPH, Edge("done/x", State.DONE, Trigger.RESUME, State.SENDING))),
    ("unreachable state", without(GRAPH, *(e.id for e in GRAPH.edges if e.target is State.FAILED))),
    ("dead end", without(GRAPH, *(e.id for e in GRAPH.edges if e.source is State.SENDING))),
    ("hole", without(GRAPH, "generating/error/unavailable/exhausted")),
    ("hole", without(GRAPH, "queued/start")),
    ("overlap", plus(GRAPH, Edge("queued/again", State.QUEUED, Trigger.START, State.GENERATING))),
    (
        "lost credits",
        plus(GRAPH, Edge("queued/lose", State.QUEUED, Trigger.CANCEL, State.FAILED, Guard.HELD)),
    ),
    (
        "double refund",
        plus(GRAPH, Edge("queued/gift", State.QUEUED, Trigger.CANCEL, State.REFUNDED, Guard.FREE)),
    ),
    (
        "unbounded retry",
        build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=None, delays_s=())),
    ),
    (
        "silent end",
        build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, ends=NoticeKind.STATUS)),
    ),
    (
        "missing row",
        build_graph(
            replace(STRATEGY, rows=tuple(r for r in STRATEGY.rows if r.reason is not Reason.NO_PRODUCT))
        ),
    ),
    ("unbounded spending", build_graph(replace(STRATEGY, paid_tasks=0))),
]


@pytest.mark.parametrize(("finding", "graph"), DAMAGE, ids=[f"{n}-{d[0]}" for n, d in enumerate(DAMAGE)])
def test_damage_is_found(finding: str, graph: Graph) -> None:
    found = validate(graph)
    assert any(text.startswith(finding) for text in found), found
    with pytest.raises(InvalidGraphError):
        require_valid(graph)


def test_a_trap_is_found() -> None:
    inward = [e.id for e in GRAPH.edges if e.source is State.SENDING and e.target is not State.RETRY_WAIT]
    inward += [e.id for e in GRAPH.edges if e.source is State.RETRY_WAIT and e.target is not State.SENDING]
    assert any(text.startswith("trap") for text in validate(without(GRAPH, *inward)))
