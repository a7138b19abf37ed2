"""The replayer: every record judged again from its recorded inputs, a job at a time, memory flat.

There are three ways, each only as quick as it may be exact. A line of a known form is recognised by its
bytes (`forms`); another is parsed and judged (`decisions`); the first thing that is not the same goes to
`explain`, which says what and why.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from engine.codec import decode
from engine.replay import explain
from engine.replay.decisions import Decisions
from engine.replay.forms import JOB_AT, fitting
from engine.replay.graphs import Shelf, graph_of
from engine.replay.plans import Plan
from engine.replay.reading import TORN
from engine.replay.recognition import Recognition
from engine.replay.track import ENDS, Spot, Track, begun, follow
from engine.replay.values import Finding, Kind, Record, ReplayError, Report, Verdict
from states.migration import MIGRATED

SPOILED_MAX: Final = 100_000
_JOB: Final = re.compile(rb'"job":"([^"]{1,80})"')


class Replayer:
    """Feed it the lines of one or more logs, then ask for the report. Not `by_form`: each line is parsed."""

    def __init__(self, shelf: Shelf | None = None, *, by_form: bool = True) -> None:
        self.shelf = shelf or Shelf()
        self.report = Report()
        self.live: dict[bytes, Track] = {}
        self.decisions = Decisions(self.shelf)
        self._known = Recognition(self.decisions) if by_form else None
        self._spoiled: set[str] = set()
        self._line = 0
        self._name = ""

    def feed(self, lines: Iterable[bytes], name: str = "") -> None:
        """Judge the lines of a log. Jobs may go on in the next one."""
        self._name = name
        live, get, born, parsed = self.live, self.live.get, self._born, self._parsed
        number = strange = ended = 0
        end = JOB_AT
        for number, line in enumerate(lines, 1):
            track = get(line[JOB_AT:end])
            if track is None:  # ids are usually of one length
                end = line.find(b'"', JOB_AT)
                track = get(line[JOB_AT:end])
            if track is None:
                if born(line, end):
                    continue
            elif (spot := track.spot) is not None:
                form = fitting(line, track, spot, end)
                if form is not None:
                    if form.plan.ends:
                        del live[track.name]
                        ended += 1
                    continue
            if not parsed(line, number):
                strange += 1
        self._line = number
        self.report.records += number - strange
        self._count(ended)

    def _count(self, ended: int) -> None:
        """What was only recognised comes into the report."""
        self.report.ended += ended
        if ended:
            self.report.jobs[Verdict.SAME] += ended
        for graph, births in self._known.seen() if self._known else ():
            self.report.graphs[graph] += births

    def _born(self, line: bytes, end: int) -> bool:
        """Is this a submit of a known form? Begins its track when it is."""
        if self._known is None:
            return False
        track = self._known.born(line, end)
        if track is None:
            return False
        self.live[track.name] = track
        return True

    def _parsed(self, line: bytes, number: int) -> bool:
        """Is this line the record that must come? Otherwise it is looked at closely; no line stops us."""
        track, plan, spot, sound = None, None, None, False
        try:
            row = decode(line)
            track = self._track(row["job"])
            if track is None:
                sound = self.decisions.sound(row)
            else:
                spot = track.settle()
                plan = self.decisions.same(row, track)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError):
            row = None
        if sound:
            self._begin(row, line)
        elif plan is not None and track is not None:
            self._go_on(row, line, track, plan, spot)
        else:
            self._line = number
            self._strange(line, row)
            return False
        return True

    def _begin(self, row: Record, line: bytes) -> None:
        track = self.live[row["job"].encode()] = begun(row)
        self.report.graphs[row["graph"]] += 1
        if self._known is not None:
            self._known.learn_birth(line, row, track)
            self._known.stands(track)

    def _go_on(self, row: Record, line: bytes, track: Track, plan: Plan, spot: Spot | None) -> None:
        if self._known is not None and spot is not None:
            self._known.learn(line, row, track, plan, spot)
        if plan.ends:
            self._end(row["job"])
        elif self._known is not None:
            self._known.stands(track)

    def _track(self, job: str) -> Track | None:
        return self.live.get(job.encode())

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
        track = self.live.pop(job.encode())
        self.report.ended += 1
        if not track.bad:
            self.report.jobs[Verdict.SAME] += 1
        elif len(self._spoiled) < SPOILED_MAX:
            self._spoiled.add(job)

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
        track = self._track(row["job"])
        if row["disp"] == MIGRATED and track is not None:
            if not track.bad:
                self._check(explain.migration(row, track, self.shelf, self._line), row)
        elif row["disp"] != "transition":
            self.report.asides += 1
            if track is not None and not track.bad and row["disp"] == "denied":
                self._check(explain.denial(row, track, self.shelf, self._line), row)
        elif row["seq"] == 0 and track is None:
            self.live[row["job"].encode()] = begun(row)
            self.report.graphs[row["graph"]] += 1
            self._check(explain.submit(row, self.shelf, self._line), row)
        else:
            self._step(row, track)

    def _step(self, row: Record, track: Track | None) -> None:
        if track is None and row["job"] in self._spoiled:
            return  # a wrong record said that the job had ended; one finding a job is enough
        if track is None:
            track = self.live[row["job"].encode()] = Track(seq=-1, state="", ts=0)
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
        track = self._track(job) if isinstance(job, str) else None
        if track is None and isinstance(job, str) and row.get("to") not in tuple(ENDS):
            track = self.live[job.encode()] = Track(seq=0, state="", ts=0)
        if track is None or not track.bad:
            self.report.jobs[fault.verdict] += 1
        if track is not None:
            track.settle()
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
