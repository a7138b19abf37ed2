"""Decisions remembered: a graph decides the same facts once, whatever number of jobs they befell."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, TypeAlias

from engine.replay.values import Record
from states.backoff import base_s
from states.facts import Facts
from states.graph import Edge
from states.machine import IllegalTriggerError, Judge, UnmatchedGuardError
from states.record import effect_words
from states.vocabulary import TERMINALS, State, Trigger

_COST: Final = 1
KEY_MARK: Final = "\x00"
"""Stands for `<job>:<seq>` in effects."""
DELAY_MARK: Final = "\x01"
"""Stands for the milliseconds of a wait."""
COST_MARK: Final = "\x02"
"""Stands for the credits of the job."""

Known: TypeAlias = dict[Hashable, "Plan"]
"""The plans of jobs that stand alike, by all inputs of a decision but for its numbers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A recorded move that the graph decides too, and what it leaves to the next record."""

    key: Hashable
    """The inputs it was decided from, but for numbers."""
    fails: bool
    counter: str
    base_s: float
    jitter: float
    life_ms: int
    """Above 0: a parked delivery's deadline is the video's life from its render."""
    paid_tasks: int
    effects: int
    """How many there are."""
    text: str
    """All effects, a line each, around the marks; of a single one what stands before the key."""
    tail: str
    """What stands after the key of a single one."""
    waits: bool
    """Is one of them a retry, which names its wait?"""
    money: bool
    """Does one of them name the job's credits?"""
    target: str
    ends: bool
    renders: bool
    stage: str
    then: Known
    """What is known of jobs that stand as this move leaves its job."""


def stage_after(edge: Edge) -> str:
    """The stage that the job remembers for its return; "" when it waits for nothing."""
    return edge.row.stage.value if edge.row is not None and edge.target is State.RETRY_WAIT else ""


def decided(judge: Judge, state: str, facts: Facts) -> Edge | str:
    """The edge the graph takes, or why it denies: `illegal` or `unmatched`."""
    try:
        return judge.edge(State(state), facts)
    except IllegalTriggerError:
        return "illegal"
    except UnmatchedGuardError:
        return "unmatched"


def plan_of(judge: Judge, edge: Edge, facts: Facts, key: Hashable, then: Known) -> Plan:
    """What taking this edge on these facts means, and what is known of what may come `then`."""
    row = edge.row
    words = effect_words(edge, facts, cost=_COST, key=KEY_MARK)
    marked = {f"retry:{facts.delay_ms}ms": f"retry:{DELAY_MARK}ms"}
    money = f"{edge.money}:{_COST}:{KEY_MARK}"
    marked[money] = f"{edge.money}:{COST_MARK}:{KEY_MARK}"
    text, tail = "\n".join(marked.get(word, word) for word in words), ""
    waits = f"retry:{facts.delay_ms}ms" in words
    if len(words) == 1 and not (waits or money in words):
        text, _, tail = text.partition(KEY_MARK)
    return Plan(
        key=key,
        fails=row is not None,
        counter=row.counter if row else "",
        base_s=base_s(row, facts.n) if row else 0.0,
        jitter=row.jitter if row else 0.0,
        life_ms=judge.graph.strategy.video_life_s * 1000 if row is not None and row.parks else 0,
        paid_tasks=judge.graph.strategy.paid_tasks,
        effects=len(words),
        text=text,
        tail=tail,
        waits=waits,
        money=money in words,
        target=edge.target.value,
        ends=edge.target in TERMINALS,
        renders=edge.trigger is Trigger.RENDERED,
        stage=stage_after(edge),
        then=then,
    )


def done_alike(row: Record, plan: Plan, cost: int, delay: int = 0) -> bool:
    """Are these the plan's effects? As many lines in the text as words, so a word cannot hide another."""
    out, text, key = row["out"], plan.text, f"{row['job']}:{row['seq']}"
    if out.__class__ is not list or len(out) != plan.effects:
        return False
    if plan.effects == 1 and not (plan.waits or plan.money):
        return bool(out[0] == f"{text}{key}{plan.tail}")
    if plan.waits:
        text = text.replace(DELAY_MARK, str(delay))
    if plan.money:
        text = text.replace(COST_MARK, str(cost))
    return "\n".join(out) == text.replace(KEY_MARK, key)
