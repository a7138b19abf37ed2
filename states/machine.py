"""The judge: one `transitions.Machine` per graph, and the flat table compiled from that very Machine.

The Machine is synchronous and model-less: a job is a tiny object that is never registered, triggers are
called on the event objects, guards read only recorded facts, and no callback has an effect (why: async
machines swallow cancellation, registered models cost kilobytes each, callbacks cannot be rolled back).
The table answers the same question in a microsecond; a test proves the two equal over the whole space.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from transitions import EventData, Machine, MachineError, Transition

from states.facts import Facts, holds
from states.graph import GRAPH, Edge, Graph
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage, State, Trigger


class UnmatchedGuardError(LookupError):
    """The trigger is known in this state, but no guard let it through: a hole in the strategy or a denial."""


class IllegalTriggerError(LookupError):
    """The state has no such trigger at all."""


@dataclass(slots=True)
class _Traveller:
    """What the Machine moves: a state and nothing else. 56 bytes, never registered as a model."""

    state: str


@dataclass(frozen=True, slots=True)
class GuardTrace:
    """One guard that was asked, for explaining a decision or a divergence."""

    edge: str
    guard: str
    passed: bool


_Key = tuple[State, Trigger, str]


@dataclass(frozen=True)
class Judge:
    """Finds the one edge that a trigger takes. Build one per process and graph version."""

    graph: Graph

    @cached_property
    def _reasons(self) -> Mapping[tuple[Stage, str], str]:
        """Which reasons the strategy lists, so an unlisted one is judged as `unknown`."""
        rows = self.graph.strategy.rows
        return MappingProxyType({(row.stage, row.reason.value): row.reason.value for row in rows})

    @cached_property
    def machine(self) -> Machine:
        """The Machine itself."""
        return build_machine(self.graph)

    @cached_property
    def table(self) -> Mapping[_Key, tuple[Edge, ...]]:
        """(state, trigger, reason) -> alternatives in order, compiled from the Machine."""
        return compile_table(self.machine, self.graph)

    def edge(self, state: State, facts: Facts) -> Edge:
        """The edge taken, by the flat table.

        Raises IllegalTriggerError when the state never has this trigger, UnmatchedGuardError when no
        guard let it through.
        """
        alternatives = self.table.get((state, facts.trigger, self._reason(state, facts)))
        if alternatives is None:
            raise IllegalTriggerError(f"{facts.trigger} never happens in {state}")
        for edge in alternatives:
            if holds(edge.guard, facts, edge.row):
                return edge
        raise UnmatchedGuardError(f"no guard of {state}/{facts.trigger} lets these facts through")

    def edge_by_machine(self, state: State, facts: Facts) -> tuple[Edge, list[GuardTrace]]:
        """The edge taken, by the Machine, with every guard that was asked. Raises as `edge` does."""
        traveller, trace = _Traveller(state.value), list[GuardTrace]()
        event = self.machine.events.get(facts.trigger.value)
        try:
            moved = event is not None and event.trigger(traveller, facts=facts, trace=trace)
        except MachineError as error:
            raise IllegalTriggerError(f"{facts.trigger} never happens in {state}") from error
        if not moved:
            raise UnmatchedGuardError(f"no guard of {state}/{facts.trigger} lets these facts through")
        edge = self.graph.by_id[trace[-1].edge]
        assert edge.target.value == traveller.state  # noqa: S101 - the Machine and its trace cannot disagree
        return edge, trace

    def _reason(self, state: State, facts: Facts) -> str:
        if facts.trigger is not Trigger.ERROR:
            return ""
        stage = Stage.SENDING if state is State.SENDING else Stage.GENERATING
        return self._reasons.get((stage, facts.reason), Reason.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class _Question:
    """An edge's question as the Machine asks it. The edge rides along for compiling and tracing."""

    edge: Edge
    listed: frozenset[str]

    def __call__(self, event: EventData) -> bool:
        facts: Facts = event.kwargs["facts"]
        edge = self.edge
        if edge.row is not None:
            reason = facts.reason if facts.reason in self.listed else Reason.UNKNOWN.value
            if reason != edge.reason:
                return False
        passed = holds(edge.guard, facts, edge.row)
        event.kwargs["trace"].append(GuardTrace(edge.id, edge.guard.value, passed))
        return passed


def build_machine(graph: Graph) -> Machine:
    """The graph as a Machine: no model, no automatic transitions, no callbacks."""
    listed = {
        stage: frozenset(row.reason.value for row in graph.strategy.rows if row.stage is stage)
        for stage in Stage
    }
    rows: list[dict[str, Any]] = [
        {
            "trigger": edge.trigger.value,
            "source": edge.source.value,
            "dest": edge.target.value,
            "conditions": [_Question(edge, listed[edge.row.stage] if edge.row else frozenset())],
        }
        for edge in graph.edges
    ]
    return Machine(
        model=None,
        states=[state.value for state in State],
        transitions=rows,
        initial=State.QUEUED.value,
        auto_transitions=False,
        send_event=True,
    )


def compile_table(machine: Machine, graph: Graph) -> Mapping[_Key, tuple[Edge, ...]]:
    """Flatten a Machine into (state, trigger, reason) -> edges, in the order the Machine tries them."""
    table: dict[_Key, tuple[Edge, ...]] = {}
    for name, event in machine.events.items():
        for source, transitions in event.transitions.items():
            for transition in transitions:
                edge = _edge_of(transition)
                key = (State(source), Trigger(name), edge.reason)
                table[key] = (*table.get(key, ()), graph.by_id[edge.id])
    return MappingProxyType(table)


def _edge_of(transition: Transition) -> Edge:
    question: Any = transition.conditions[0].func
    edge: Edge = question.edge
    return edge


JUDGE = Judge(GRAPH)
"""The judge of the default strategy."""

assert GRAPH.strategy is STRATEGY  # noqa: S101 - the default judge judges by the default table
