"""The replayer: every record judged again from its recorded inputs, a job at a time, memory flat.

A record takes the fast way (one look-up, one comparison) as long as everything is the same; the first
thing that is not goes to `explain`, which says what and why.
"""

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final

from engine.codec import decode
from engine.replay import explain
from engine.replay.graphs import Shelf, graph_of
from engine.replay.inputs import wrong_input
from engine.replay.plans import Known, Plan, decided, done_alike, plan_of, stage_after
from engine.replay.reading import TORN
from engine.replay.track import ENDS, SKEW_MS, Track, begun, facts_of, follow
from engine.replay.values import Finding, Kind, Record, ReplayError, Report, Verdict
from states.backoff import jittered_ms
from states.migration import MIGRATED
from states.vocabulary import Trigger

CACHE_MAX: Final = 200_000
"""Decisions remembered; a log of hostile costs must not fill the memory."""
SPOILED_MAX: Final = 100_000
_MOVE: Final = itemgetter("v", "graph", "event", "from", "to", "edge", "disp")
_Facts = Mapping[str, Any]
_JOB: Final = re.compile(rb'"job":"([^"]{1,80})"')


class Replayer:
    """Feed it the lines of one or more logs, then ask for the report."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = shelf or Shelf()
        self.report = Report()
        self.live: dict[str, Track] = {}
        self._standings: dict[tuple[bool, str, str, bool], Known] = {}
        self._plans = 0
        self._spoiled: set[str] = set()
        self._line = 0
        self._name = ""

    def feed(self, lines: Iterable[bytes], name: str = "") -> None:
        """Judge the lines of a log. Jobs may go on in the next one."""
        self._name = name
        live, same, born = self.live, self.same, self.born
        number = strange = 0
        for number, line in enumerate(lines, 1):
            try:
                row = decode(line)
                job = row["job"]
                track = live.get(job)
                if born(row) if track is None else same(row, track):
                    continue
            except (ValueError, KeyError, TypeError, AttributeError, LookupError):
                row = None
            strange += 1
            self._line = number
            self._strange(line, row)
        self._line = number
        self.report.records += number - strange

    def finish(self) -> Report:
        """The report, with the jobs whose records stop before their end."""
        report = self.report
        for track in self.live.values():
            report.open += 1
            if not track.bad:
                report.jobs[Verdict.SAME] += 1
        self.live.clear()
        return report

    def _end(self, job: str) -> None:
        track = self.live.pop(job)
        self.report.ended += 1
        if not track.bad:
            self.report.jobs[Verdict.SAME] += 1
        elif len(self._spoiled) < SPOILED_MAX:
            self._spoiled.add(job)

    # --- the fast way ---------------------------------------------------------------------------

    def same(self, row: Record, track: Track) -> bool:  # noqa: C901 - one call a record is what it may cost
        """Is this the move the graph decides? Goes on with the track when it is, changes nothing else."""
        facts, ts, seq, known = row["in"], row["ts"], row["seq"], track.known
        if seq != track.seq + 1 or ts != facts["now_ms"] or ts < track.ts - SKEW_MS:
            return False
        if known is None:
            if track.bad:
                return False
            known = track.known = self._known(track.held, track.state, track.stage, track.video)
        if "reason" in facts:
            plan = self._failed(row, facts, track, known)
            if plan is None:
                return False
        else:
            get, held = facts.get, facts["held"]
            key = (_MOVE(row), facts["cfg"], held, get("has_video"), get("return_stage"), get("costless"))
            plan = known.get(row["edge"])  # the last one of this edge is nearly always it: nothing is hashed
            if plan is None or plan.key != key:
                plan = self._found(known, key, row, track)
                if plan is None:
                    return False
            if facts["deadline_ms"] != track.deadline_ms:
                return False
            if not (done_alike(row, plan, track.cost) if plan.effects else row["out"] == []):
                return False
        track.seq, track.ts = seq, ts
        track.state, track.stage, track.known = plan.target, plan.stage, plan.then
        if plan.renders:
            track.video, track.rendered_ms = True, ts
        if plan.ends:
            self._end(row["job"])
        return True

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

    def born(self, row: Record) -> bool:
        """Is this a sound submit? Begins its track when it is."""
        if row["disp"] != "transition" or row["seq"] != 0 or row["v"] != 1 or row["to"] != "queued":
            return False
        facts, job = row["in"], row["job"]
        cost, held = facts["cost"], facts["held"]
        words = [f"hold:{cost}:{job}:0"] if cost else []
        sound = held is (cost > 0) and row["out"] == words and facts["deadline_ms"] >= row["ts"]
        if not sound or row["event"] != "submit" or row["graph"] not in self.shelf.judges:
            return False
        self.live[job] = begun(row)
        self.report.graphs[row["graph"]] += 1
        return True

    def _known(self, held: bool, state: str, stage: str, video: bool) -> Known:  # noqa: FBT001 - a key
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
        then = self._known(track.held, edge.target.value, stage_after(edge), video)
        return plan_of(judge, edge, facts, key, then)

    # --- everything else ------------------------------------------------------------------------

    def _strange(self, line: bytes, row: Record | None) -> None:
        """A submit, an aside, a graph, a blank line, or something wrong."""
        if row is None:
            if line.isspace():
                return
            try:
                row = decode(line)
            except ValueError:
                self._torn(line)
                return
        if not isinstance(row, dict):
            self._torn(line)
        elif "def" in row:
            self._learn(row)
        else:
            self.report.records += 1
            self._judged(row)

    def _judged(self, row: Record) -> None:
        fault = explain.shape(row, self._line)
        if fault is not None:
            self._tell(fault, row)
            return
        track = self.live.get(row["job"])
        if row["disp"] == MIGRATED and track is not None:
            if not track.bad:
                self._check(explain.migration(row, track, self.shelf, self._line), row)
        elif row["disp"] != "transition":
            self.report.asides += 1
            if track is not None and not track.bad and row["disp"] == "denied":
                self._check(explain.denial(row, track, self.shelf, self._line), row)
        elif row["seq"] == 0 and track is None:
            self.live[row["job"]] = begun(row)
            self.report.graphs[row["graph"]] += 1
            self._check(explain.submit(row, self.shelf, self._line), row)
        else:
            self._step(row, track)

    def _step(self, row: Record, track: Track | None) -> None:
        if track is None and row["job"] in self._spoiled:
            return  # a wrong record said that the job had ended; one finding a job is enough
        if track is None:
            track = self.live[row["job"]] = Track(seq=-1, state="", ts=0)
        if not track.bad:
            self._check(explain.move(row, track, self.shelf, self._line), row)
        follow(track, row)
        if row["to"] in ENDS:
            self._end(row["job"])

    def _check(self, fault: Finding | None, row: Record) -> None:
        if fault is not None:
            self._tell(fault, row)

    def _tell(self, fault: Finding, row: Record) -> None:
        """Count a finding as its job's verdict; the job's other records are passed over."""
        self.report.add(replace(fault, log=self._name))
        job = row.get("job")
        track = self.live.get(job) if isinstance(job, str) else None
        if track is None and isinstance(job, str) and row.get("to") not in ENDS:
            track = self.live[job] = Track(seq=0, state="", ts=0)
        if track is None or not track.bad:
            self.report.jobs[fault.verdict] += 1
        if track is not None:
            track.bad, track.known = True, None

    def _torn(self, line: bytes) -> None:
        found = _JOB.search(line)
        job = found[1].decode("ascii", "replace") if found else ""
        text = "the file ends inside a compressed block" if line == TORN else "this line is no whole record"
        fault = Finding(Verdict.TRUNCATED, Kind.TORN, self._line, job, 0, text)
        if job:
            self._tell(fault, {"job": job})
        else:
            self.report.add(replace(fault, log=self._name))
            self.report.jobs[fault.verdict] += 1

    def _learn(self, row: Record) -> None:
        """A graph's definition inside the log."""
        try:
            graph = graph_of(row["def"])
        except ReplayError as error:
            graph, why = None, str(error)
        else:
            why = "its definition has another digest"
        if graph is None or graph.digest != row.get("graph"):
            self.report.add(Finding(Verdict.FOREIGN, Kind.GRAPH, self._line, "", 0, why))
            self.report.jobs[Verdict.FOREIGN] += 1
            return
        self.shelf.add(graph)
