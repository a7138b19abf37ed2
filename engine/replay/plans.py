"""Decisions remembered: a graph decides the same facts once, whatever number of jobs they befell."""

from dataclasses import dataclass

from states.decide import effect_words
from states.facts import Facts
from states.graph import Edge
from states.machine import IllegalTriggerError, Judge, UnmatchedGuardError
from states.strategy import Row
from states.vocabulary import TERMINALS, State, Trigger

KEY_MARK = "\x00"
"""Stands for `<job>:<seq>` in effects."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A recorded move that the graph decides too, and what it leaves to the next record.

    `words` are the effects around their keys; a retry's own effect names its delay and is made apart.
    """

    edge: Edge
    row: Row | None
    counter: str
    life_ms: int
    """Above 0: a parked delivery's deadline is the video's life from its render."""
    paid_tasks: int
    retries: bool
    money: str
    """The first effect moves credits: its words before the amount."""
    words: tuple[tuple[str, str], ...]
    target: str
    ends: bool
    renders: bool
    stage: str

    def effects(self, cost: int, key: str) -> list[str]:
        """The effects of a job of this cost; `key` is `<job>:<seq>`."""
        if self.money:
            others = [f"{before}{key}{after}" for before, after in self.words[1:]]
            return [f"{self.money}{cost}:{key}", *others]
        return [f"{before}{key}{after}" for before, after in self.words]


def decided(judge: Judge, state: str, facts: Facts) -> Edge | str:
    """The edge the graph takes, or why it denies: `illegal` or `unmatched`."""
    try:
        return judge.edge(State(state), facts)
    except IllegalTriggerError:
        return "illegal"
    except UnmatchedGuardError:
        return "unmatched"


def plan_of(judge: Judge, edge: Edge, facts: Facts) -> Plan:
    """What taking this edge on these facts means."""
    row = edge.row
    retries = edge.target is State.RETRY_WAIT
    words = effect_words(edge, facts, cost=0, key=KEY_MARK)
    split = tuple(word.partition(KEY_MARK) for word in words if not word.startswith("retry:"))
    return Plan(
        edge=edge,
        row=row,
        counter=row.counter if row else "",
        life_ms=judge.graph.strategy.video_life_s * 1000 if row is not None and row.parks else 0,
        paid_tasks=judge.graph.strategy.paid_tasks,
        retries=retries,
        money=f"{edge.money}:" if edge.money is not None and facts.held else "",
        words=tuple((before, after) for before, _, after in split),
        target=edge.target.value,
        ends=edge.target in TERMINALS,
        renders=edge.trigger is Trigger.RENDERED,
        stage=row.stage.value if row is not None and retries else "",
    )
