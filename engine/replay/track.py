"""A job as its records tell it: the few facts that one record leaves to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from engine.replay.plans import Known, stage_after
from engine.replay.values import Record
from states.facts import Facts
from states.graph import Edge
from states.strategy import Strategy
from states.vocabulary import TERMINALS, Trigger

if TYPE_CHECKING:
    from engine.replay.forms import Form

ENDS: Final = frozenset(state.value for state in TERMINALS)
SKEW_MS: Final = 1000
"""How far a time may step back: two workers' clocks differ by half a round trip, not by a second."""
STAMP: Final = 13
"""Digits of a time in ms, from 2001 to 2286; texts of equal length compare as numbers do."""
FACTS: Final = frozenset(f.name for f in fields(Facts)) - {"trigger"}


@dataclass(slots=True, eq=False)
class Spot:
    """Where a job may stand, as far as the next verdict can depend on it, and the forms seen from there."""

    state: str
    stage: str
    video: bool
    known: Known
    forms: dict[bytes, list["Form"]] = field(default_factory=dict)
    """By what stands between the two times: graph, event, states, edge."""
    seen: dict[int, int] = field(default_factory=dict)
    """How often a plan was parsed, before its forms are learnt."""


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
    name: bytes = b""
    """The job's id as a line holds it."""
    due: bytes = b""
    stamp: bytes = b""
    """The last time as a line holds it."""
    spot: Spot | None = None
    """Where the job stands, while its lines are recognised; then `known` and others are behind: `settle`."""

    def settle(self) -> Spot | None:
        """Bring everything up to where the recognised lines have led; the next one is parsed."""
        spot = self.spot
        if spot is not None:
            self.state, self.stage, self.video = spot.state, spot.stage, spot.video
            self.ts, self.known, self.spot = int(self.stamp), spot.known, None
        return spot

    def stand(self, spot: Spot) -> None:
        """From here lines may be recognised."""
        self.stamp, self.due, self.spot = b"%d" % self.ts, b"%d" % self.deadline_ms, spot


def begun(row: Record) -> Track:
    """The track of a submit record. KeyError, TypeError when it is no such thing."""
    facts, ts = row["in"], row["ts"]
    video = facts.get("has_video", False)
    return Track(
        seq=0,
        state="queued",
        ts=ts,
        cost=facts["cost"],
        held=facts["held"],
        deadline_ms=facts["deadline_ms"],
        video=video,
        rendered_ms=ts if video else 0,
        name=row["job"].encode(),
    )


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
