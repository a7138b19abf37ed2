"""A job as its records tell it: the few facts that one record leaves to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from engine.replay.plans import Known, stage_after
from engine.replay.values import Record
from states.facts import Facts
from states.graph import Edge
from states.strategy import Strategy
from states.vocabulary import TERMINALS, Trigger

ENDS: Final = frozenset(state.value for state in TERMINALS)
SKEW_MS: Final = 1000
"""How far a time may step back: two workers' clocks differ by half a round trip, not by a second."""
FACTS: Final = frozenset(f.name for f in fields(Facts)) - {"trigger"}


@dataclass(slots=True)
class Track:
    """What the records so far say of a job. `bad`: a finding was told, the rest is passed over."""

    seq: int
    state: str
    ts: int
    cost: int = 0
    held: bool = False
    deadline_ms: int = 0
    video: bool = False
    stage: str = ""
    rendered_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    bad: bool = False
    known: Known | None = None
    """The plans of jobs that stand as this one does; None: not looked up yet."""


def begun(row: Record) -> Track:
    """The track of a submit record. KeyError, TypeError when it is no such thing."""
    facts = row["in"]
    video = facts.get("has_video", False)
    ts = row["ts"]
    rendered_ms = ts if video else 0
    return Track(0, "queued", ts, facts["cost"], facts["held"], facts["deadline_ms"], video, "", rendered_ms)


def facts_of(row: Record) -> Facts:
    """The recorded inputs as the value that guards read. TypeError, ValueError for unknown ones."""
    given: dict[str, Any] = dict(row["in"])
    if "told" in given:
        given["told"] = tuple(given["told"])
    return Facts(trigger=Trigger(row["event"]), **given)


def strange_inputs(row: Record) -> list[str]:
    """Names in `in` that this version does not know."""
    found = row.get("in")
    return sorted(set(found) - FACTS) if isinstance(found, Mapping) else []


def advance(track: Track, row: Record, edge: Edge, facts: Facts) -> None:
    """Go on with the track after a move."""
    track.seq, track.ts, track.state = row["seq"], row["ts"], edge.target.value
    track.stage, track.known = stage_after(edge), None
    if edge.row is not None:
        if not facts.alternative:
            track.counts[edge.row.counter] = track.counts.get(edge.row.counter, 0) + 1
        track.deadline_ms = facts.deadline_ms
    elif edge.trigger is Trigger.RENDERED:
        track.video, track.rendered_ms = True, row["ts"]


def follow(track: Track, row: Record) -> None:
    """Go on with what the record says, judged or not: one fault must not make ten."""
    track.seq, track.state, track.ts = row.get("seq", track.seq), row.get("to", track.state), row.get("ts", 0)
    track.known = None


def deadline_of(track: Track, edge: Edge, strategy: Strategy) -> int:
    """The deadline a decision looks at: a parked delivery waits for the video's life."""
    if edge.row is None or not edge.row.parks:
        return track.deadline_ms
    return max(track.deadline_ms, track.rendered_ms + strategy.video_life_s * 1000)
