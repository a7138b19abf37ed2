"""What the Machine does not check: holes, overlaps, traps, leaks and money. Runs in tests and at start."""

from collections.abc import Iterator
from itertools import product

from states.facts import Facts, Guard, holds
from states.graph import Edge, Graph
from states.vocabulary import TERMINALS, Hold, Money, NoticeKind, Reason, Stage, State, Trigger

_TOTAL = frozenset({Trigger.START, Trigger.RESUME, Trigger.ERROR, Trigger.EXPIRE})
"""Triggers that must always find an edge where they can happen. Cancel may be denied: it costs by then."""


class InvalidGraphError(ValueError):
    """The strategy draws a graph nobody should run; the text lists every finding."""


def validate(graph: Graph) -> list[str]:
    """All findings about a graph, each one sentence; an empty list means it is sound."""
    return [
        *_duplicates(graph),
        *_guards(graph),
        *_reachability(graph),
        *_missing_rows(graph),
        *_choices(graph),
        *_bounds(graph),
        *_money(graph),
    ]


def require_valid(graph: Graph) -> Graph:
    """The graph itself, or InvalidGraphError with every finding."""
    findings = validate(graph)
    if findings:
        raise InvalidGraphError("; ".join(findings))
    return graph


def _duplicates(graph: Graph) -> Iterator[str]:
    seen: set[str] = set()
    for edge in graph.edges:
        if edge.id in seen:
            yield f"duplicate edge: {edge.id}"
        seen.add(edge.id)


def _guards(graph: Graph) -> Iterator[str]:
    known = set(Guard)
    yield from (f"unknown guard: {e.id} asks {e.guard!r}" for e in graph.edges if e.guard not in known)


def _reachability(graph: Graph) -> Iterator[str]:
    forward = _closure({State.QUEUED}, [(e.source, e.target) for e in graph.edges])
    backward = _closure(set(TERMINALS), [(e.target, e.source) for e in graph.edges])
    for state in State:
        if state not in forward:
            yield f"unreachable state: {state}"
        leaves = any(e.source is state for e in graph.edges)
        if state in TERMINALS and leaves:
            yield f"exit from a terminal: {state}"
        if state not in TERMINALS and not leaves:
            yield f"dead end: {state}"
        if state not in backward:
            yield f"trap: no terminal can be reached from {state}"


def _closure(start: set[State], moves: list[tuple[State, State]]) -> set[State]:
    found, grown = set(start), True
    while grown:
        more = {target for source, target in moves if source in found} - found
        found |= more
        grown = bool(more)
    return found


def _missing_rows(graph: Graph) -> Iterator[str]:
    for stage in Stage:
        if (stage, Reason.UNKNOWN) not in graph.strategy.by_key:
            yield f"hole: {stage} has no row for unknown, the catch-all"
    listed = {row.reason for row in graph.strategy.rows}
    for reason in Reason:
        if reason not in listed:
            yield f"missing row: no stage says what to do about {reason}"


def _choices(graph: Graph) -> Iterator[str]:
    """Exactly one edge must take each combination of facts."""
    groups: dict[tuple[State, Trigger, str], list[Edge]] = {}
    for edge in graph.edges:
        groups.setdefault((edge.source, edge.trigger, edge.reason), []).append(edge)
    for (state, trigger, reason), edges in groups.items():
        for facts in sample_facts(trigger, edges[0]):
            takers = [e.id for e in edges if holds(e.guard, facts, e.row)]
            if len(takers) > 1:
                yield f"overlap: {' and '.join(takers)} take the same facts"
                break
            if not takers and trigger in _TOTAL:
                yield f"hole: nothing takes {state}/{trigger}/{reason} when {facts}"
                break


def sample_facts(trigger: Trigger, edge: Edge) -> Iterator[Facts]:
    """Every combination of what this trigger's guards look at, each budget just inside and just outside."""
    row, both = edge.row, (True, False)
    retries = row.retries if row is not None and row.retries is not None else 3
    failing = trigger is Trigger.ERROR
    stages = ("", *(stage.value for stage in Stage))
    for held, video, back, costless, affordable, late, n in product(
        both,
        both if not failing else (False,),
        stages if not failing else ("",),
        both if not failing else (False,),
        both if failing else (True,),
        both,
        range(retries + 2) if row is not None else (0,),
    ):
        yield Facts(
            trigger=trigger,
            now_ms=1_000,
            rnd=0.5,
            cfg="",
            held=held,
            deadline_ms=1_000 if late else 2_000,
            cls=row.cls.value if row else "",
            reason=edge.reason,
            n=n,
            has_video=video,
            return_stage=back,
            costless=costless,
            affordable=affordable,
        )


def _bounds(graph: Graph) -> Iterator[str]:
    strategy = graph.strategy
    for row in strategy.rows:
        if row.retries is None and strategy.deadline_s <= 0:
            yield f"unbounded retry: {row.stage}/{row.reason} has neither attempts nor a deadline"
        if row.retries is None and not any(row.delays_s):
            yield f"unbounded retry: {row.stage}/{row.reason} would spin without a delay"
        if row.ends in (NoticeKind.STATUS, NoticeKind.BELL):
            yield f"silent end: {row.stage}/{row.reason} gives up without a notice"
    if strategy.paid_tasks < 1:
        yield "unbounded spending: paid_tasks must be at least 1"


def _money(graph: Graph) -> Iterator[str]:
    for edge in graph.edges:
        if edge.target is State.FAILED and _can_take(edge, Hold.HELD):
            yield f"lost credits: {edge.id} ends a job without releasing what it holds"
        if edge.target is State.REFUNDED and _can_take(edge, Hold.NONE):
            yield f"double refund: {edge.id} releases credits that a free job never held"
        if edge.target not in TERMINALS and edge.money is not None:
            yield f"early money: {edge.id} moves credits before the job has ended"
        if edge.target is State.DONE and edge.money is not Money.CAPTURE:
            yield f"free video: {edge.id} delivers without capturing"


def _can_take(edge: Edge, hold: Hold) -> bool:
    held = hold is Hold.HELD
    return any(
        holds(edge.guard, facts, edge.row) for facts in sample_facts(edge.trigger, edge) if facts.held is held
    )
