from collections import Counter

import pytest

from engine.codec import encode
from engine.replay.cover import coverage
from engine.replay.drive import Drive
from engine.replay.replayer import Replayer
from engine.replay.values import Verdict
from engine.replay.walks import Map, Walk, edge_walks, name_of, pair_walks, random_walks
from states.decide import Decision
from states.facts import Guard
from states.graph import GRAPH, Edge, Graph
from states.strategy import STRATEGY
from states.vocabulary import TERMINALS, Hold, Money, NoticeKind, State, Trigger

EDGE_WALKS = edge_walks(GRAPH)
PAIR_WALKS = pair_walks(GRAPH)
RANDOM_WALKS = random_walks(GRAPH, 200, seed=20)


def invariants(decisions: list[Decision]) -> None:
    """What no way through the graph may break."""
    first, last = decisions[0].before, decisions[-1].after
    moved = [d.money for d in decisions if d.money is not None]
    assert last.state in TERMINALS
    assert moved == (
        [] if first.cost == 0 else [Money.CAPTURE if last.state is State.DONE else Money.RELEASE]
    )
    assert last.hold is not Hold.HELD
    assert (last.state is State.FAILED) is (first.cost == 0 and last.state is not State.DONE)
    told = Counter(n.kind for d in decisions for n in d.notices)
    assert told[NoticeKind.PATIENCE] <= 1
    assert told[NoticeKind.SERVICE_PAUSED] <= 1
    assert decisions[-1].notices, "a job never ends in silence"
    for decision in decisions[:-1]:
        assert decision.money is None
        assert decision.due_ms is not None
    spent = Counter(d.edge.row.counter for d in decisions if d.edge.row is not None)
    assert last.counts == spent
    assert [d.after.seq for d in decisions] == list(range(1, len(decisions) + 1))


@pytest.mark.parametrize("walk", EDGE_WALKS, ids=name_of)
def test_every_edge(walk: Walk) -> None:
    drive = Drive(walk, seed=len(walk))
    lines = [encode(row) for row in drive.records()]
    invariants(drive.decisions)
    replayer = Replayer()
    replayer.feed(lines)
    assert replayer.finish().jobs == {Verdict.SAME: 1}


def test_every_pair_of_edges() -> None:
    for seed, walk in enumerate(PAIR_WALKS):
        drive = Drive(walk, seed=seed, by_time=True)
        assert list(drive.records())
        invariants(drive.decisions)


@pytest.mark.parametrize("walk", RANDOM_WALKS[:20], ids=name_of)
def test_random_walks(walk: Walk) -> None:
    drive = Drive(walk, seed=len(walk))
    assert list(drive.records())
    invariants(drive.decisions)


def test_the_walks_cover_what_can_be_covered() -> None:
    rows = [row for seed, walk in enumerate(EDGE_WALKS) for row in Drive(walk, seed=seed).records()]
    found = coverage(rows, GRAPH)
    assert found.missed == ()
    assert set(found.fired) | set(found.unreachable) == set(GRAPH.by_id)
    assert found.percent == 100.0
    rows = [row for walk in PAIR_WALKS for row in Drive(walk, by_time=True).records()]
    assert coverage(rows, GRAPH).pairs == found.pairs_reachable


def test_an_edge_that_nothing_can_take_is_named_with_the_reason() -> None:
    lonely = Edge("done/start", State.DONE, Trigger.START, State.QUEUED)
    without_start = tuple(e for e in GRAPH.edges if e.source is not State.QUEUED)
    why = Map(Graph(STRATEGY, (*GRAPH.edges, lonely))).unreachable()
    assert why == {}
    why = Map(Graph(STRATEGY, without_start)).unreachable()
    assert why["sending/delivered"] == "no way leads to sending"
    sent = Edge("sending/cancel", State.SENDING, Trigger.CANCEL, State.REFUNDED, Guard.COSTLESS_HELD)
    why = Map(Graph(STRATEGY, (*GRAPH.edges, sent))).unreachable()
    assert why["sending/cancel"].startswith("nothing that leads to sending lets [costs nothing yet")


def test_random_walks_are_the_same_for_the_same_seed() -> None:
    assert random_walks(GRAPH, 10, seed=3) == random_walks(GRAPH, 10, seed=3)
    assert random_walks(GRAPH, 10, seed=3) != random_walks(GRAPH, 10, seed=4)


def test_names_can_be_matched_by_pytest() -> None:
    names = [name_of(walk) for walk in EDGE_WALKS]
    assert all(name and not set(name) & set("/>[] ") for name in names)


def test_counts_of_a_log_by_hand() -> None:
    rows = [
        {"job": "a", "disp": "transition", "seq": 0, "to": "queued"},
        {"job": "a", "disp": "transition", "seq": 1, "edge": "queued/start", "to": "generating"},
        {"job": "b", "disp": "transition", "seq": 1, "edge": "queued/start", "to": "generating"},
        {"job": "a", "disp": "denied", "seq": 1},
        {"job": "a", "disp": "transition", "seq": 2, "edge": "generating/expire", "to": "refunded"},
        {"job": "b", "disp": "transition", "seq": 2, "edge": "old/edge", "to": "done"},
    ]
    found = coverage(rows, GRAPH)
    assert found.fired == {"queued/start": 2, "generating/expire": 1}
    assert found.foreign == {"old/edge": 1}
    assert found.pairs == 1
    assert len(found.missed) == found.reachable - 2
