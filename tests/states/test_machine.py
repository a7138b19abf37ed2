"""Machine and flat table answer alike over the whole space; both refuse what the graph has not."""

import pytest
from transitions import Machine

from states.facts import Facts
from states.graph import GRAPH, Edge
from states.machine import JUDGE, IllegalTriggerError, Judge, UnmatchedGuardError
from states.validate import sample_facts
from states.vocabulary import TERMINALS, Reason, State, Trigger


def answer(judge: Judge, state: State, facts: Facts, *, by_machine: bool) -> str:
    try:
        edge = judge.edge_by_machine(state, facts)[0] if by_machine else judge.edge(state, facts)
    except (IllegalTriggerError, UnmatchedGuardError) as refusal:
        return type(refusal).__name__
    return edge.id


def groups() -> list[Edge]:
    seen: dict[tuple[str, str, str], Edge] = {}
    for edge in GRAPH.edges:
        seen.setdefault((edge.source, edge.trigger, edge.reason), edge)
    return list(seen.values())


@pytest.mark.parametrize("edge", groups(), ids=lambda edge: edge.id)
def test_machine_equals_table(edge: Edge) -> None:
    samples = list(sample_facts(edge.trigger, edge))
    assert len(samples) >= 16
    elsewhere = [(state, samples[0]) for state in State if state is not edge.source]
    for state, facts in [*((edge.source, facts) for facts in samples), *elsewhere]:
        by_machine = answer(JUDGE, state, facts, by_machine=True)
        assert by_machine == answer(JUDGE, state, facts, by_machine=False)


def test_terminals_take_nothing() -> None:
    for state in TERMINALS:
        for trigger in Trigger:
            facts = Facts(trigger, now_ms=0, rnd=0, cfg="", held=True, deadline_ms=1, reason="unknown")
            assert answer(JUDGE, state, facts, by_machine=True) == "IllegalTriggerError"
            assert answer(JUDGE, state, facts, by_machine=False) == "IllegalTriggerError"


def test_unlisted_reason_is_judged_as_unknown() -> None:
    facts = Facts(
        Trigger.ERROR, 0, 0.5, "", held=True, deadline_ms=10**15, reason=Reason.NO_PRODUCT.value, n=0
    )
    assert answer(JUDGE, State.SENDING, facts, by_machine=True) == "sending/error/unknown"
    assert answer(JUDGE, State.SENDING, facts, by_machine=False) == "sending/error/unknown"


def test_the_machine_is_the_recommended_form() -> None:
    machine = JUDGE.machine
    assert type(machine) is Machine
    assert machine.models == []
    assert set(machine.events) == {trigger.value for trigger in Trigger}


def test_trace_names_the_guards_that_were_asked() -> None:
    edge = GRAPH.by_id["generating/error/unavailable/exhausted"]
    facts = next(f for f in sample_facts(Trigger.ERROR, edge) if f.held and f.n >= 5)
    taken, trace = JUDGE.edge_by_machine(State.GENERATING, facts)
    assert taken.id == edge.id
    assert [(step.edge, step.passed) for step in trace] == [
        ("generating/error/unavailable", False),
        ("generating/error/unavailable/exhausted", True),
    ]
