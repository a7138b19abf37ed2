"""The replayer: every record judged again from its recorded inputs, a job at a time, memory flat.

A record takes the fast way (one look-up, one comparison) as long as everything is the same; the first
thing that is not goes to `explain`, which says what and why.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from engine.codec import decode
from engine.replay import explain
from engine.replay.graphs import Shelf, graph_of
from engine.replay.inputs import wrong_input
from engine.replay.plans import Plan, decided, plan_of
from engine.replay.reading import TORN
from engine.replay.track import ENDS, SKEW_MS, Track, begun, facts_of, follow
from engine.replay.values import Finding, Kind, Record, ReplayError, Report, Verdict
from states.backoff import delay_ms

CACHE_MAX: Final = 200_000
"""Decisions remembered; a log of hostile costs must not fill the memory."""
SPOILED_MAX: Final = 100_000
_JOB: Final = re.compile(rb'"job":"([^"]{1,80})"')


class Replayer:
    """Feed it the lines of one or more logs, then ask for the report."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = shelf or Shelf()
        self.report = Report()
        self.live: dict[str, Track] = {}
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._spoiled: set[str] = set()
        self._line = 0
        self._name = ""

    def feed(self, lines: Iterable[bytes], name: str = "") -> None:
        """Judge the lines of a log. Jobs may go on in the next one."""
        self._name, self._line = name, 0
        live, same, born, strange = self.live, self.same, self.born, self._strange
        number, good = self._line, 0
        for line in lines:
            number += 1
            try:
                row = decode(line)
                track = live.get(row["job"])
                if row["disp"] == "transition" and (same(row, track) if track else born(row)):
                    good += 1
                    if row["to"] in ENDS:
                        self._end(row["job"])
                    continue
            except (ValueError, KeyError, TypeError, AttributeError, LookupError):
                row = None
            self._line = number
            strange(line, row)
        self._line = number
        self.report.records += good

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

    def same(self, row: Record, track: Track) -> bool:
        """Is this the move the graph decides? Goes on with the track when it is, changes nothing else."""
        facts, ts, seq, state = row["in"], row["ts"], row["seq"], track.state
        if seq != track.seq + 1 or row["from"] != state or ts != facts["now_ms"] or ts < track.ts - SKEW_MS:
            return False
        held, deadline, get = facts["held"], facts["deadline_ms"], facts.get
        if held is not track.held or track.bad:
            return False
        key: tuple[object, ...] = (
            row["graph"], row["edge"], row["to"], row["event"], state, held, track.video, track.stage,
            facts["cfg"], get("has_video"), get("return_stage"), get("costless"),
        )  # fmt: skip
        failed = "reason" in facts
        if failed:
            told = get("told")
            key = (
                *key, facts["reason"], get("cls"), get("n"), ts + get("delay_ms", 0) < deadline,
                get("alternative"), get("affordable"), tuple(told) if told else None,
            )  # fmt: skip
        plan = self._plans.get(key) or self._remember(key, row, track)
        if plan is None:
            return False
        if failed:
            if not _failure_fits(plan, row, track):
                return False
            if not get("alternative"):
                track.counts[plan.counter] = get("n", 0) + 1
            track.deadline_ms = deadline
        elif deadline != track.deadline_ms or row["out"] != (
            plan.effects(track.cost, f"{row['job']}:{seq}") if plan.words else []
        ):
            return False
        track.seq, track.ts, track.state, track.stage = seq, ts, plan.target, plan.stage
        if plan.renders:
            track.video, track.rendered_ms = True, ts
        return True

    def born(self, row: Record) -> bool:
        """Is this a sound submit? Begins its track when it is."""
        facts, job = row["in"], row["job"]
        cost, held = facts["cost"], facts["held"]
        if row["seq"] != 0 or row["v"] != 1 or row["event"] != "submit" or row["to"] != "queued":
            return False
        words = [f"hold:{cost}:{job}:0"] if cost else []
        sound = held is (cost > 0) and row["out"] == words and facts["deadline_ms"] >= row["ts"]
        if not sound or row["graph"] not in self.shelf.judges:
            return False
        self.live[job] = begun(row)
        self.report.graphs[row["graph"]] += 1
        return True

    def _remember(self, key: tuple[object, ...], row: Record, track: Track) -> Plan | None:
        plan = self._plan(row, track)
        if plan is not None:
            if len(self._plans) >= CACHE_MAX:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _plan(self, row: Record, track: Track) -> Plan | None:
        """The plan of a record that the graph agrees with, None otherwise."""
        judge = self.shelf.judge(row["graph"])
        if judge is None:
            return None
        facts = facts_of(row)
        if wrong_input(facts, track, judge.graph.strategy) is not None:
            return None
        edge = decided(judge, track.state, facts)
        if isinstance(edge, str) or (edge.id, edge.target.value) != (row["edge"], row["to"]):
            return None
        return plan_of(judge, edge, facts)

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
        if row["disp"] != "transition":
            self.report.asides += 1
            if track is not None and not track.bad and row["disp"] == "denied":
                self._check(explain.denial(row, track, self.shelf, self._line), row)
        elif row["seq"] == 0 and track is None:
            self.live[row["job"]] = begun(row)
            self.report.graphs[row["graph"]] += 1
            self._check(explain.submit(row, self.shelf, self._line), row)
        else:
            self._moved(row, track)

    def _moved(self, row: Record, track: Track | None) -> None:
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
            track.bad = True

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


def _failure_fits(plan: Plan, row: Record, track: Track) -> bool:
    """Delay, count, deadline and effects of a failure, which no two records share."""
    facts = row["in"]
    n, delay, waits = facts.get("n", 0), facts.get("delay_ms", 0), 0
    if plan.row is None or n != track.counts.get(plan.counter, 0):
        return False
    if not facts.get("alternative"):
        waits = delay_ms(plan.row, n, facts["rnd"], facts.get("retry_after_s"))
    deadline = track.deadline_ms
    if plan.life_ms:
        deadline = max(deadline, track.rendered_ms + plan.life_ms)
    if delay != waits or facts["deadline_ms"] != deadline:
        return False
    if facts.get("affordable", True) is not (facts.get("watching") or facts.get("paid", 0) < plan.paid_tasks):
        return False
    words = plan.effects(track.cost, f"{row['job']}:{row['seq']}") if plan.words else []
    return bool(row["out"] == ([f"retry:{delay}ms", *words] if plan.retries else words))
