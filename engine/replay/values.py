"""What replaying a log can say: verdicts, findings, reports, exit codes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Record = dict[str, Any]
"""One line of a log, decoded (diagrams/schema/record-1.json)."""


class ReplayError(Exception):
    """The log or graph cannot be used at all; `str()` is one sentence with the mend."""


class Verdict(StrEnum):
    """How a job's records compare with the graph they name. Worst last."""

    SAME = "same"
    """Every step reproduced."""
    FOREIGN = "foreign"
    """Made by a graph that is not known here; give it with --graphs."""
    TRUNCATED = "truncated"
    """Records are missing, or a line is torn."""
    DIVERGED = "diverged"
    """A legal move, but not the one the graph decides from the recorded inputs."""
    ILLEGAL = "illegal"
    """A move the graph never had."""


class Kind(StrEnum):
    """Which part of a record is wrong."""

    STATE = "state"
    EDGE = "edge"
    TIME = "time"
    VERDICT = "verdict"
    GAP = "gap"
    TORN = "torn line"
    EFFECTS = "effects"
    INPUTS = "inputs"
    CREDITS = "credits"
    GRAPH = "graph"
    SHAPE = "shape"


EXIT_SAME: Final = 0
EXIT_DIFFERS: Final = 1
EXIT_UNJUDGED: Final = 2
FINDINGS_KEPT: Final = 1000
"""Findings told one by one; beyond them they are only counted, so that memory stays flat."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing wrong with a job. `why` explains it line by line (guards asked, effects compared)."""

    verdict: Verdict
    kind: Kind
    line: int
    job: str
    seq: int
    text: str
    expected: str = ""
    actual: str = ""
    why: tuple[str, ...] = ()
    log: str = ""
    """Name of the file, when it has one."""

    def sentence(self) -> str:
        """One line for a terminal."""
        where = (
            f"{self.log + ', ' if self.log else ''}line {self.line}, job {self.job or '?'}, seq {self.seq}"
        )
        versus = f": expected {self.expected}, found {self.actual}" if self.expected or self.actual else ""
        return f"{self.verdict} ({self.kind}) at {where}: {self.text}{versus}"


@dataclass(slots=True)
class Report:
    """What was found in a log. `jobs` counts verdicts, one a job."""

    records: int = 0
    asides: int = 0
    ended: int = 0
    open: int = 0
    """Jobs whose records stop before their end: normal in a log of a live store."""
    jobs: Counter[Verdict] = field(default_factory=Counter)
    kinds: Counter[Kind] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    graphs: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there is room."""
        self.kinds[finding.kind] += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(finding)

    @property
    def verdict(self) -> Verdict:
        """The worst of all jobs."""
        return max((v for v in Verdict if self.jobs[v]), key=list(Verdict).index, default=Verdict.SAME)

    @property
    def exit_code(self) -> int:
        """0 all same; 1 any diverged or illegal; 2 what is there could not be judged."""
        return exit_code(self.jobs)


def exit_code(jobs: Mapping[Verdict, int]) -> int:
    """The exit code of a count of verdicts."""
    if jobs.get(Verdict.DIVERGED) or jobs.get(Verdict.ILLEGAL):
        return EXIT_DIFFERS
    return EXIT_UNJUDGED if jobs.get(Verdict.TRUNCATED) or jobs.get(Verdict.FOREIGN) else EXIT_SAME


def listed(words: Sequence[str]) -> str:
    """Words for a sentence."""
    return ", ".join(words) if words else "nothing"
