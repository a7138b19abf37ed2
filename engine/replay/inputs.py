"""Recorded inputs held against what came before them, and the guards that looked at them."""

from typing import Any

from engine.replay.track import Track, deadline_of
from states.backoff import delay_ms
from states.facts import Facts, holds
from states.graph import Edge
from states.machine import IllegalTriggerError, Judge, UnmatchedGuardError
from states.strategy import Strategy
from states.vocabulary import Reason, Stage, State, Trigger


def wrong_input(facts: Facts, track: Track, strategy: Strategy) -> tuple[str, Any, Any] | None:
    """The first recorded input that cannot be: (name, expected, recorded)."""
    expected: dict[str, Any] = {
        "cfg": strategy.digest,
        "held": track.held,
        "has_video": track.video,
        "return_stage": track.stage,
    }
    if facts.trigger is Trigger.ERROR:
        if facts.reason not in set(Reason):
            return ("reason", "a reason of the vocabulary", facts.reason)
        stage = Stage.SENDING if track.state == State.SENDING else Stage.GENERATING
        expected["cls"] = strategy.row(stage, Reason(facts.reason)).cls.value
        expected["affordable"] = facts.watching or facts.paid < strategy.paid_tasks
    for name, value in expected.items():
        if getattr(facts, name) != value:
            return (name, value, getattr(facts, name))
    return None


def wrong_number(facts: Facts, track: Track, edge: Edge, strategy: Strategy) -> tuple[str, Any, Any] | None:
    """The first number of a decision that does not follow: (name, expected, recorded)."""
    expected: dict[str, Any] = {"deadline_ms": deadline_of(track, edge, strategy)}
    if edge.row is not None:
        n = track.counts.get(edge.row.counter, 0)
        wait = 0 if facts.alternative else delay_ms(edge.row, n, facts.rnd, facts.retry_after_s)
        expected |= {"n": n, "delay_ms": wait}
    for name, value in expected.items():
        if getattr(facts, name) != value:
            return (name, value, getattr(facts, name))
    return None


def guards(judge: Judge, state: str, facts: Facts, recorded: Edge | None = None) -> tuple[str, ...]:
    """Every guard that was asked, with its answer, then the recorded edge's own."""
    try:
        _, trace = judge.edge_by_machine(State(state), facts)
        lines = [f"{t.edge} asks [{t.guard}]: {'yes' if t.passed else 'no'}" for t in trace]
    except (IllegalTriggerError, UnmatchedGuardError) as error:
        lines = [str(error)]
    if recorded is not None:
        answer = "yes" if holds(recorded.guard, facts, recorded.row) else "no"
        lines.append(f"recorded {recorded.id} asks [{recorded.guard}]: {answer}")
    if facts.trigger is Trigger.ERROR:
        lines.append(budget(facts, judge.graph.strategy, state))
    return tuple(lines)


def budget(facts: Facts, strategy: Strategy, state: str) -> str:
    """What a retry hangs on, in one line."""
    stage = Stage.SENDING if state == State.SENDING else Stage.GENERATING
    row = strategy.row(stage, Reason(facts.reason))
    retries = "any number" if row.retries is None else str(row.retries)
    left_s = (facts.deadline_ms - facts.now_ms - facts.delay_ms) / 1000
    return (
        f"budget: {facts.n} failures before, {retries} retries allowed; {left_s:+.1f} s to the deadline "
        f"after the wait; paid tasks {facts.paid} of {strategy.paid_tasks}"
    )
