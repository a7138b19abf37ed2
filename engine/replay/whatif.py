"""What another policy would have done with a log: per job, up to the first step it decides otherwise.

Only what is certain is counted. Where the new policy ends a job earlier, the rest of its record would
not have happened. Where it goes on and the record ends, nobody asked the provider: that is undecided.
Where only a wait differs, the recorded answers are taken as they stand, and the wait's difference is told.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from engine.replay.graphs import Shelf
from engine.replay.inputs import guards
from engine.replay.measures import Measure, but_waits, notified, tally
from engine.replay.plans import decided
from engine.replay.track import ENDS, facts_of
from engine.replay.values import Finding, Kind, Record, ReplayError, Verdict
from states.backoff import delay_ms
from states.facts import Facts
from states.graph import Edge, Graph, build_graph
from states.machine import Judge
from states.record import effect_words
from states.strategy import Strategy
from states.validate import validate
from states.vocabulary import Reason, Stage, State, Trigger

EXAMPLES: Final = 20


@dataclass(slots=True)
class WhatIf:
    """The answer. `undecided` are outcomes nobody can know, because the provider was never asked."""

    jobs: int = 0
    moved: int = 0
    """Jobs that would have taken another edge."""
    retimed: int = 0
    """Jobs on the same way with other waits."""
    told_otherwise: int = 0
    """Jobs on the same way with other notices or alerts."""
    undecided_jobs: int = 0
    unjudged: int = 0
    """Jobs whose records begin in the middle, or of a graph that is not at hand."""
    waiting_ms: int = 0
    """Difference of all waits before retries, ms."""
    recorded: Counter[Measure] = field(default_factory=Counter)
    certain: Counter[Measure] = field(default_factory=Counter)
    undecided: Counter[Measure] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(recorded edge, the new policy's edge) of each first other step."""
    examples: list[Finding] = field(default_factory=list)

    def rows(self) -> list[tuple[str, int, int, int, int]]:
        """The money table: measure, recorded, what-if, difference, undecided."""
        old, new, open_ = self.recorded, self.certain, self.undecided
        return [(m.value, old[m], new[m], new[m] - old[m], open_[m]) for m in Measure]


@dataclass(slots=True)
class _Twin:
    """A job under the new policy, beside its records."""

    cost: int
    held: bool
    seq: int
    shift_ms: int
    """How much later (earlier) the job's deadline lies now."""
    rendered_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    over: bool = False
    retimed: bool = False
    reworded: bool = False


class Counterfactual:
    """Feed it the records of a log, then ask for the answer."""

    def __init__(self, shelf: Shelf, another: Callable[[Judge], Judge]) -> None:
        self.shelf, self.another = shelf, another
        self.answer = WhatIf()
        self._others: dict[str, Judge] = {}
        self._twins: dict[str, _Twin | None] = {}
        self._line = 0

    def feed(self, rows: Iterable[Record]) -> WhatIf:
        """Walk the records, jobs interleaved or not."""
        for row in rows:
            self._line += 1
            if row.get("disp") != "transition":
                continue
            job = row["job"]
            if row["seq"] == 0:
                self._submit(job, row)
            else:
                self._move(job, row)
            if row["to"] in ENDS:
                self._twins.pop(job, None)
        return self.answer

    def _judges(self, row: Record) -> tuple[Judge, Judge] | None:
        digest = row["graph"]
        old = self.shelf.judge(digest)
        if old is None:
            return None
        if digest not in self._others:
            self._others[digest] = self.another(old)
        return old, self._others[digest]

    def _submit(self, job: str, row: Record) -> None:
        judges = self._judges(row)
        self.answer.jobs += 1
        if judges is None:
            self.answer.unjudged += 1
            self._twins[job] = None
            return
        old, new = judges
        shift_s = new.graph.strategy.deadline_s - old.graph.strategy.deadline_s
        facts = row["in"]
        self._twins[job] = _Twin(
            facts["cost"], facts["held"], 0, shift_s * 1000, row["ts"] if facts.get("has_video") else 0
        )

    def _move(self, job: str, row: Record) -> None:
        twin = self._twins.get(job, self)  # self: never seen
        if twin is self:
            self.answer.jobs += 1
            self.answer.unjudged += 1
            twin = self._twins[job] = None
        judges = self._judges(row)
        if not isinstance(twin, _Twin) or judges is None or row["seq"] != twin.seq + 1:
            self._twins[job] = None
            return
        twin.seq = row["seq"]
        tally(self.answer.recorded, row["out"], row["event"])
        if not twin.over:
            self._compare(twin, row, judges[1])

    def _compare(self, twin: _Twin, row: Record, new: Judge) -> None:
        recorded = facts_of(row)
        facts = rebased(recorded, row["from"], twin, new.graph.strategy)
        expired = _expiry(facts, recorded, row["from"], twin)
        edge = decided(new, row["from"], facts if expired is None else expired)
        survives = recorded.trigger is Trigger.EXPIRE and facts.now_ms < facts.deadline_ms
        if isinstance(edge, Edge) and edge.target.value == row["to"] and expired is None and not survives:
            self._alike(twin, row, edge, facts)
            return
        facts = expired or facts
        self.answer.moved += 1
        twin.over = True
        named = "no expiry yet" if survives else edge.id if isinstance(edge, Edge) else f"denied ({edge})"
        was = row["edge"]
        if isinstance(edge, Edge) and named == was:  # the same rule leads elsewhere now
            named, was = f"{named} → {edge.target}", f"{was} → {row['to']}"
        self.answer.moves[was, named] += 1
        ends = isinstance(edge, Edge) and edge.target.value in ENDS and not survives
        if isinstance(edge, Edge) and not survives:
            words = effect_words(edge, facts, cost=twin.cost, key=f"{row['job']}:{row['seq']}")
            tally(self.answer.certain, words, edge.trigger.value)
        if not ends:
            self._unknown(twin)
        self._example(row, was, named, guards(new, row["from"], facts))

    def _alike(self, twin: _Twin, row: Record, edge: Edge, facts: Facts) -> None:
        words = effect_words(edge, facts, cost=twin.cost, key=f"{row['job']}:{row['seq']}")
        tally(self.answer.certain, words, row["event"])
        old_told, new_told = notified(row["out"]), notified(words)
        if list(words) != row["out"]:
            if not twin.reworded and but_waits(words) != but_waits(row["out"]):
                twin.reworded = True
                self.answer.told_otherwise += 1
            if not twin.retimed and facts.delay_ms != row["in"].get("delay_ms", 0):
                twin.retimed = True
                self.answer.retimed += 1
        if edge.target is State.RETRY_WAIT:
            self.answer.waiting_ms += facts.delay_ms - row["in"].get("delay_ms", 0)
        twin.added = (twin.added | new_told) - old_told
        twin.dropped = (twin.dropped | old_told) - new_told
        if edge.row is not None and not facts.alternative:
            twin.counts[edge.row.counter] = twin.counts.get(edge.row.counter, 0) + 1
        twin.shift_ms = facts.deadline_ms - row["in"]["deadline_ms"]
        if edge.trigger is Trigger.RENDERED:
            twin.rendered_ms = row["ts"]

    def _unknown(self, twin: _Twin) -> None:
        """The job would live on: how it ends nobody can know."""
        self.answer.undecided_jobs += 1
        self.answer.undecided[Measure.DELIVERED] += 1
        self.answer.undecided[Measure.NOTICES] += 1
        if twin.held:
            self.answer.undecided[Measure.REFUNDS] += 1
            self.answer.undecided[Measure.RELEASED] += twin.cost
            self.answer.undecided[Measure.CAPTURED] += twin.cost

    def _example(self, row: Record, was: str, named: str, why: tuple[str, ...]) -> None:
        if len(self.answer.examples) < EXAMPLES:
            text = "the changed policy decides otherwise"
            self.answer.examples.append(
                Finding(
                    Verdict.DIVERGED,
                    Kind.EDGE,
                    self._line,
                    row["job"],
                    row["seq"],
                    text,
                    named,
                    was,
                    why,
                )
            )


def rebased(facts: Facts, state: str, twin: _Twin, strategy: Strategy) -> Facts:
    """The recorded inputs as the new policy would have seen them."""
    deadline = facts.deadline_ms + twin.shift_ms
    told = tuple(sorted((set(facts.told) - twin.dropped) | twin.added))
    base = replace(facts, cfg=strategy.digest, deadline_ms=deadline, told=told)
    if facts.trigger is not Trigger.ERROR:
        return base
    row = strategy.row(Stage.SENDING if state == State.SENDING else Stage.GENERATING, Reason(facts.reason))
    n = twin.counts.get(row.counter, 0)
    if row.parks:
        deadline = max(deadline, twin.rendered_ms + strategy.video_life_s * 1000)
    return replace(
        base,
        cls=row.cls.value,
        n=n,
        deadline_ms=deadline,
        delay_ms=0 if facts.alternative else delay_ms(row, n, facts.rnd, facts.retry_after_s),
        affordable=facts.watching or facts.paid < strategy.paid_tasks,
    )


def _expiry(facts: Facts, recorded: Facts, state: str, twin: _Twin) -> Facts | None:
    """The facts of an expiry that a shorter deadline would have brought before this record."""
    if twin.shift_ms >= 0 or state == State.SENDING or recorded.trigger is Trigger.EXPIRE:
        return None
    if facts.now_ms < facts.deadline_ms:
        return None
    return Facts(
        trigger=Trigger.EXPIRE,
        now_ms=facts.deadline_ms,
        rnd=facts.rnd,
        cfg=facts.cfg,
        held=facts.held,
        deadline_ms=facts.deadline_ms,
        has_video=facts.has_video,
        return_stage=facts.return_stage,
        costless=facts.costless,
    )


def by_strategy(change: Callable[[Strategy], Strategy]) -> Callable[[Judge], Judge]:
    """Each graph version with its strategy changed. ReplayError when the outcome is no sound graph."""

    def another(judge: Judge) -> Judge:
        graph = build_graph(change(judge.graph.strategy))
        findings = validate(graph)
        if findings:
            raise ReplayError(f"The changed policy is not sound: {findings[0]}.")
        return Judge(graph)

    return another


def by_graph(graph: Graph) -> Callable[[Judge], Judge]:
    """Everything judged by one graph."""
    judge = Judge(graph)
    return lambda _: judge
