"""The whole judgement of a parsed record, as long as everything is the same. `explain` says what is not."""

from collections.abc import Hashable, Mapping
from operator import itemgetter
from typing import Any, Final

from engine.replay.graphs import Shelf
from engine.replay.inputs import wrong_input
from engine.replay.plans import Known, Plan, decided, done_alike, plan_of, stage_after
from engine.replay.track import SKEW_MS, Track, facts_of
from engine.replay.values import Record
from states.backoff import jittered_ms
from states.vocabulary import Trigger

CACHE_MAX: Final = 200_000
"""Decisions remembered; a log of hostile costs must not fill the memory."""
_MOVE: Final = itemgetter("v", "graph", "event", "from", "to", "edge", "disp")
_Facts = Mapping[str, Any]


class Decisions:
    """Judges records by the decisions of their graphs, each of which is made once and remembered."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._standings: dict[tuple[bool, str, str, bool], Known] = {}
        self._plans = 0

    def sound(self, row: Record) -> bool:
        """Is this a sound submit?"""
        if row["disp"] != "transition" or row["seq"] != 0 or row["v"] != 1 or row["to"] != "queued":
            return False
        facts, job = row["in"], row["job"]
        cost, held = facts["cost"], facts["held"]
        words = [f"hold:{cost}:{job}:0"] if cost else []
        if held is not (cost > 0) or row["out"] != words or facts["deadline_ms"] < row["ts"]:
            return False
        return row["event"] == "submit" and row["graph"] in self.shelf.judges

    def same(self, row: Record, track: Track) -> Plan | None:  # noqa: C901 - one call a record
        """The plan of the move when the graph decides it too; then, and only then, the track has gone on."""
        facts, ts, seq, known = row["in"], row["ts"], row["seq"], track.known
        if seq != track.seq + 1 or ts != facts["now_ms"] or ts < track.ts - SKEW_MS:
            return None
        if known is None:
            if track.bad:
                return None
            known = track.known = self.known(track.held, track.state, track.stage, track.video)
        if "reason" in facts:
            plan = self._failed(row, facts, track, known)
            if plan is None:
                return None
        else:
            get, held = facts.get, facts["held"]
            key = (_MOVE(row), facts["cfg"], held, get("has_video"), get("return_stage"), get("costless"))
            plan = known.get(row["edge"])  # the last one of this edge is nearly always it: nothing is hashed
            if plan is None or plan.key != key:
                plan = self._found(known, key, row, track)
                if plan is None:
                    return None
            if facts["deadline_ms"] != track.deadline_ms:
                return None
            if not (done_alike(row, plan, track.cost) if plan.effects else row["out"] == []):
                return None
        track.seq, track.ts = seq, ts
        track.state, track.stage, track.known = plan.target, plan.stage, plan.then
        if plan.renders:
            track.video, track.rendered_ms = True, ts
        return plan

    def _found(self, known: Known, key: Hashable, row: Record, track: Track) -> Plan | None:
        """The plan by all of its inputs; from now on the first that this edge is compared with."""
        plan = known.get(key) or self._remember(known, key, row, track)
        if plan is not None:
            known[row["edge"]] = plan
        return plan

    def _failed(self, row: Record, facts: _Facts, track: Track, known: Known) -> Plan | None:
        """The plan of a failure, when count, delay, deadline and effects are so; counts it in the track."""
        get, deadline = facts.get, track.deadline_ms
        n, delay, told, alternative = get("n", 0), get("delay_ms", 0), get("told"), get("alternative")
        affordable = get("affordable", True)
        key = (
            _MOVE(row), facts["cfg"], facts["held"], get("has_video"), get("return_stage"), get("costless"),
            facts["reason"], get("cls"), n, facts["now_ms"] + delay < facts["deadline_ms"], alternative,
            affordable, tuple(told) if told else None,
        )  # fmt: skip
        plan = known.get(key) or self._remember(known, key, row, track)
        if plan is None or not plan.fails or n != track.counts.get(plan.counter, 0):
            return None
        if plan.life_ms:
            deadline = max(deadline, track.rendered_ms + plan.life_ms)
        if facts["deadline_ms"] != deadline or delay != (
            0 if alternative else jittered_ms(plan.base_s, plan.jitter, facts["rnd"], get("retry_after_s"))
        ):
            return None
        if affordable is not (get("watching") or get("paid", 0) < plan.paid_tasks):
            return None
        if not done_alike(row, plan, track.cost, delay):
            return None
        track.deadline_ms = deadline
        if not alternative:
            track.counts[plan.counter] = n + 1
        return plan

    def known(self, held: bool, state: str, stage: str, video: bool) -> Known:  # noqa: FBT001 - a key
        """What is known of jobs that stand like this."""
        return self._standings.setdefault((held, state, stage, video), {})

    def _remember(self, known: Known, key: Hashable, row: Record, track: Track) -> Plan | None:
        plan = self._plan(row, key, track)
        if plan is not None:
            if self._plans >= CACHE_MAX:
                self._plans = 0
                for standing in self._standings.values():
                    standing.clear()
            known[key] = plan
            self._plans += 1
        return plan

    def _plan(self, row: Record, key: Hashable, track: Track) -> Plan | None:
        """The plan of a record that the graph agrees with, None otherwise."""
        judge = self.shelf.judge(row["graph"])
        if judge is None or row["v"] != 1 or row["disp"] != "transition" or row["from"] != track.state:
            return None
        facts = facts_of(row)
        if wrong_input(facts, track, judge.graph.strategy) is not None:
            return None
        edge = decided(judge, track.state, facts)
        if isinstance(edge, str) or (edge.id, edge.target.value) != (row["edge"], row["to"]):
            return None
        video = track.video or edge.trigger is Trigger.RENDERED
        then = self.known(track.held, edge.target.value, stage_after(edge), video)
        return plan_of(judge, edge, facts, key, then)
