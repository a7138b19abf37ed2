"""A roll-out amid everything else (T15): two graph versions, four processes, kills, jobs moved over."""

from collections import Counter

from bot.wiring.simulation.acts import families
from bot.wiring.simulation.coverage import reached
from bot.wiring.simulation.crew import GRAPH, NEXT
from bot.wiring.simulation.play import play
from bot.wiring.simulation.world import Plan
from engine.simulation.wire import Wire

SEEDS = [s for s in range(1, 400) if (f := families(s))["versions"] == 3.0 and f["process"] == 3.0][:2]


def test_old_and_new_processes_side_by_side_keep_every_promise(wire: Wire) -> None:
    graphs, kinds, moved = Counter[str](), set[str](), 0
    for seed in SEEDS:
        found = play(Plan(seed), wire)
        assert found.violation is None, f"reelstate simulate --seed {seed}: {found.violation}"
        graphs.update(found.graphs)
        kinds |= set(found.faults.values())
        moved += found.seen["verb migrate"]
    assert graphs[GRAPH.digest] > 0, "jobs finished on the graph they were launched with"
    assert graphs[NEXT.graph.digest] > 0, "others were decided by the next one"
    assert {"kill", "process.killed", "stop"} <= kinds
    assert moved > 0


def test_what_was_reached_is_told_by_name() -> None:
    told = {part.kind: part for part in reached({"edge queued/start": 3, "verb claim": 1})}
    assert told["edge"].reached == told["verb"].reached == 1
    assert "queued/start" not in told["edge"].missing
    assert "queued/cancel" in told["edge"].missing
    assert "commit" in told["verb"].missing
    assert told["verb"].excused, "with a reason beside it"
