"""The slow way: what is wrong with a record, which part of it, and why the graph says otherwise."""

from collections.abc import Mapping
from typing import Final

from engine.replay.graphs import Shelf
from engine.replay.inputs import guards, wrong_input, wrong_number
from engine.replay.plans import decided
from engine.replay.track import SKEW_MS, Track, advance, facts_of, strange_inputs
from engine.replay.values import Finding, Kind, Record, Verdict, listed
from states.facts import Facts
from states.graph import Edge, Graph
from states.machine import Judge
from states.migration import MIGRATE, MIGRATED, leads_here
from states.record import effect_words
from states.vocabulary import Reason, State, Trigger

DISPOSITIONS: Final = frozenset({"transition", "denied", "duplicate", MIGRATED})
_STATES: Final = frozenset(state.value for state in State)
_EVENTS: Final = frozenset(trigger.value for trigger in Trigger) | {"submit", MIGRATE}
_TYPES: Final[Mapping[str, type]] = {
    "job": str,
    "seq": int,
    "ts": int,
    "graph": str,
    "event": str,
    "disp": str,
}
_MOVE: Final[Mapping[str, type]] = {"from": str, "to": str, "edge": str, "in": dict, "out": list}
_BIRTH: Final[Mapping[str, type]] = {"to": str, "in": dict, "out": list}
_BORN_WITH: Final = frozenset({"cost", "held", "deadline_ms"})
_KINDS: Final[Mapping[str, Kind]] = {
    "cls": Kind.VERDICT,
    "reason": Kind.VERDICT,
    "cfg": Kind.GRAPH,
    "deadline_ms": Kind.TIME,
    "held": Kind.CREDITS,
}


def shape(row: Record, line: int) -> Finding | None:
    """Is this a record at all?"""

    def fault(text: str) -> Finding:
        job, seq = row.get("job"), row.get("seq")
        return Finding(
            Verdict.TRUNCATED,
            Kind.SHAPE,
            line,
            job if isinstance(job, str) else "",
            seq if isinstance(seq, int) else 0,
            text,
        )

    if row.get("v") != 1:
        return fault(f"schema version {row.get('v')!r} is not known, this program reads 1")
    wanted = dict(_TYPES)
    if row.get("disp") in ("transition", MIGRATED):
        wanted |= _BIRTH if row.get("seq") == 0 else _MOVE
    for name, kind in wanted.items():
        if not isinstance(row.get(name), kind) or isinstance(row.get(name), bool):
            return fault(f"the field {name!r} is missing or is no {kind.__name__}")
    if row["disp"] not in DISPOSITIONS:
        return fault(f"the disposition {row['disp']!r} is not known")
    if row["event"] not in _EVENTS or row.get("to", "queued") not in _STATES:
        return fault(f"nobody knows the event {row['event']!r} or the state {row.get('to')!r}")
    if row["disp"] == "transition" and row["seq"] == 0 and not row["in"].keys() >= _BORN_WITH:
        return fault(f"a submit records {listed(sorted(_BORN_WITH))}")
    if strange_inputs(row) and row["seq"] > 0:
        return fault(f"recorded inputs nobody knows: {listed(strange_inputs(row))}")
    return None


class _Case:
    """One record under examination."""

    def __init__(self, row: Record, line: int) -> None:
        self.row, self.line = row, line

    def says(
        self,
        verdict: Verdict,
        kind: Kind,
        text: str,
        expected: object = "",
        actual: object = "",
        why: tuple[str, ...] = (),
    ) -> Finding:
        row = self.row
        return Finding(
            verdict, kind, self.line, row["job"], row["seq"], text, str(expected), str(actual), why
        )


def submit(row: Record, shelf: Shelf, line: int) -> Finding | None:
    """What is wrong with a submit record."""
    case, facts = _Case(row, line), row["in"]
    if shelf.judge(row["graph"]) is None:
        return _foreign(case)
    cost, held, deadline = facts.get("cost"), facts.get("held"), facts.get("deadline_ms")
    if row["to"] != State.QUEUED or row["event"] != "submit":
        return case.says(
            Verdict.ILLEGAL, Kind.STATE, "a job begins with submit in queued", "queued", row["to"]
        )
    if not isinstance(cost, int) or held is not (cost > 0):
        return case.says(
            Verdict.DIVERGED, Kind.CREDITS, "credits are held exactly when the job costs some", cost, held
        )
    if not isinstance(deadline, int) or deadline < row["ts"]:
        return case.says(
            Verdict.DIVERGED, Kind.TIME, "the deadline lies before the submit", row["ts"], deadline
        )
    words = [f"hold:{cost}:{row['job']}:0"] if cost else []
    if row["out"] != words:
        return case.says(
            Verdict.DIVERGED,
            Kind.EFFECTS,
            "the submit's effects differ",
            listed(words),
            listed(row["out"]),
        )
    return None


def denial(row: Record, track: Track, shelf: Shelf, line: int) -> Finding | None:
    """What is wrong with a recorded denial: the graph would have let it through, or says another why."""
    case, judge = _Case(row, line), shelf.judge(row["graph"])
    if judge is None:
        return _foreign(case)
    if row["seq"] != track.seq or row.get("from") != track.state:
        return None  # it was denied on a snapshot that had been overtaken
    try:
        edge = decided(judge, track.state, facts_of(row))
    except (TypeError, ValueError, KeyError) as error:
        text = f"its inputs cannot be read ({type(error).__name__}: {error})"
        return case.says(Verdict.TRUNCATED, Kind.SHAPE, text)
    if edge == row.get("why"):
        return None
    named = edge.id if isinstance(edge, Edge) else edge
    return case.says(
        Verdict.DIVERGED, Kind.EDGE, "the graph does not deny this so", named, row.get("why", "")
    )


def migration(row: Record, track: Track, shelf: Shelf, line: int) -> Finding | None:
    """What is wrong with a move to another graph version; None goes on with the track."""
    case, judge = _Case(row, line), shelf.judge(row["graph"])
    if judge is None:
        return _foreign(case)
    fault = _sequence(case, track)
    if fault is not None:
        return fault
    if not row["from"] == row["to"] == track.state:
        text = "a job changes its graph version where it stands"
        return case.says(Verdict.ILLEGAL, Kind.STATE, text, track.state, row["to"])
    if not leads_here(judge.graph, row["edge"], track.state):
        text = f"the graph has no edge {row['edge']} into {track.state}"
        return case.says(Verdict.ILLEGAL, Kind.EDGE, text, "an edge", row["edge"])
    track.seq, track.ts = row["seq"], row["ts"]
    return None


def move(row: Record, track: Track, shelf: Shelf, line: int) -> Finding | None:
    """What is wrong with a transition; None goes on with the track."""
    case, judge = _Case(row, line), shelf.judge(row["graph"])
    if judge is None:
        return _foreign(case)
    try:
        facts = facts_of(row)
        fault = _sequence(case, track) or _legal(case, track, judge.graph) or _times(case, track, facts)
        return fault or _judged(case, track, judge, facts)
    except (TypeError, ValueError, KeyError) as error:
        return case.says(
            Verdict.TRUNCATED, Kind.SHAPE, f"its inputs cannot be read ({type(error).__name__}: {error})"
        )


def _foreign(case: _Case) -> Finding:
    text = "no graph of this digest is at hand; give it with --graphs, or judge by another with --graph"
    return case.says(Verdict.FOREIGN, Kind.GRAPH, text, "a known graph", case.row["graph"])


def _sequence(case: _Case, track: Track) -> Finding | None:
    seq = case.row["seq"]
    if seq == track.seq + 1:
        return None
    if track.seq < 0:
        return case.says(Verdict.TRUNCATED, Kind.GAP, "the job's history begins in the middle", 0, seq)
    text = "a record came twice" if seq <= track.seq else "records are missing"
    return case.says(Verdict.TRUNCATED, Kind.GAP, text, track.seq + 1, seq)


def _legal(case: _Case, track: Track, graph: Graph) -> Finding | None:
    row = case.row
    edge = graph.by_id.get(row["edge"])
    if row["from"] != track.state:
        illegal = edge is not None and edge.source.value != row["from"]
        verdict = Verdict.ILLEGAL if illegal else Verdict.DIVERGED
        return case.says(verdict, Kind.STATE, "the job was in another state", track.state, row["from"])
    if edge is None:
        return case.says(Verdict.ILLEGAL, Kind.EDGE, "the graph has no such edge", "an edge", row["edge"])
    if (edge.source.value, edge.trigger.value) != (row["from"], row["event"]):
        wanted = f"an edge of {row['from']}/{row['event']}"
        return case.says(
            Verdict.ILLEGAL,
            Kind.EDGE,
            "this edge belongs elsewhere",
            wanted,
            edge.id,
        )
    if edge.target.value != row["to"]:
        return case.says(
            Verdict.ILLEGAL, Kind.STATE, f"the edge {edge.id} leads elsewhere", edge.target, row["to"]
        )
    return None


def _times(case: _Case, track: Track, facts: Facts) -> Finding | None:
    ts = case.row["ts"]
    if ts != facts.now_ms:
        return case.says(
            Verdict.DIVERGED, Kind.TIME, "the record's time is not the decision's", facts.now_ms, ts
        )
    if ts < track.ts - SKEW_MS:
        return case.says(Verdict.DIVERGED, Kind.TIME, "time steps back", f"{track.ts} or later", ts)
    return None


def _judged(case: _Case, track: Track, judge: Judge, facts: Facts) -> Finding | None:
    """The decision itself: inputs, edge, effects."""
    row, strategy = case.row, judge.graph.strategy
    wrong = wrong_input(facts, track, strategy)
    if wrong is not None:
        name, expected, actual = wrong
        text = f"the recorded input {name} does not follow from what came before"
        return case.says(Verdict.DIVERGED, _KINDS.get(name, Kind.INPUTS), text, expected, actual)
    edge = decided(judge, track.state, facts)
    recorded = judge.graph.by_id[row["edge"]]
    if edge != recorded:
        return _other_edge(case, judge, facts, edge, recorded)
    wrong = wrong_number(facts, track, recorded, strategy)
    if wrong is not None:
        name, expected, actual = wrong
        kind = Kind.VERDICT if name == "delay_ms" else _KINDS.get(name, Kind.INPUTS)
        text = f"the recorded input {name} does not follow from the verdict and what came before"
        return case.says(Verdict.DIVERGED, kind, text, expected, actual)
    words = effect_words(recorded, facts, cost=track.cost, key=f"{row['job']}:{row['seq']}")
    if list(words) != row["out"]:
        return _other_effects(case, words)
    advance(track, row, recorded, facts)
    return None


def _other_edge(case: _Case, judge: Judge, facts: Facts, edge: Edge | str, recorded: Edge) -> Finding:
    named = edge.id if isinstance(edge, Edge) else f"a denial ({edge})"
    text = f"the graph decides {named}"
    kind = Kind.EDGE
    if recorded.row is not None and recorded.reason != facts.reason and facts.reason in set(Reason):
        text = f"the verdict says {facts.reason}, the edge {recorded.reason}"
        kind = _guilty(facts, recorded)
    return case.says(
        Verdict.DIVERGED, kind, text, named, recorded.id, guards(judge, case.row["from"], facts, recorded)
    )


def _guilty(facts: Facts, recorded: Edge) -> Kind:
    """Which of two that disagree was touched: a rule's name usually names its reason."""
    words = facts.rule.replace(".", " ").split()
    return Kind.VERDICT if recorded.reason in words else Kind.EDGE


def _other_effects(case: _Case, words: tuple[str, ...]) -> Finding:
    out = [str(word) for word in case.row["out"]]
    missing, added = [w for w in words if w not in out], [w for w in out if w not in words]
    money = any(w.startswith(("hold:", "capture:", "release:")) for w in (*missing, *added))
    why = (*(f"missing {w}" for w in missing), *(f"not planned {w}" for w in added))
    return case.says(
        Verdict.DIVERGED,
        Kind.CREDITS if money else Kind.EFFECTS,
        "the graph plans other effects",
        listed(words),
        listed(out),
        why or ("their order differs",),
    )
