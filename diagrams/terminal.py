"""The graph for a terminal of 100 columns: what leaves each state, and a job's path as a strip."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from diagrams.boxes import state_notes
from diagrams.labels import Line, Pair, pairs
from diagrams.overlay import PLAIN, Overlay, Step
from diagrams.words import STATES, Language
from states.graph import EdgeKind, Graph
from states.vocabulary import TERMINALS, State

COLUMNS = 100
_ARROWS = {
    EdgeKind.FLOW: "→",
    EdgeKind.RETRY: "↻",
    EdgeKind.REFUND: "↶",
    EdgeKind.FAILURE: "✗",
    EdgeKind.DONE: "✓",
}
_TARGET, _COUNT = 14, 12


def terminal(graph: Graph, overlay: Overlay | None = None, language: Language = "en") -> str:
    """The graph as plain text; no line is longer than 100 columns."""
    over, arrows = overlay or PLAIN, pairs(graph)
    out = [f"state graph {graph.digest} · {len(graph.edges)} edges"]
    for state in State:
        out += ["", *_state(state, over, language)]
        for pair in arrows:
            if pair.source is state:
                out += _arrow(pair, over)
    if over.path:
        out += ["", *path_strip(over.path)]
    return "\n".join(out) + "\n"


def _state(state: State, over: Overlay, language: Language) -> Iterator[str]:
    name = f"[[{state}]]" if state in TERMINALS else f"[{state}]"
    here = "  ● here" if over.current is state else ""
    note = " · ".join(state_notes(state, over))
    yield from _filled(f"{name}{here}  ", [STATES[state][language], *([f"({note})"] if note else [])], 2)


def _arrow(pair: Pair, over: Overlay) -> Iterator[str]:
    head = f"  {_ARROWS[pair.kind]} {pair.target:<{_TARGET}}"
    badge = _badge(pair, over)
    for rule in _rules(pair.lines):
        text = wrap(rule, COLUMNS - len(head) - _COUNT - 1, subsequent_indent="  ")
        for line in text:
            yield f"{head}{line:<{COLUMNS - len(head) - _COUNT}}{badge:>{_COUNT}}".rstrip()
            head, badge = " " * len(head), ""


def _rules(lines: Iterable[Line]) -> Iterator[str]:
    """Each rule as one line, its reasons after a colon."""
    rule, listing = "", False
    for line in lines:
        if line.edges and rule:
            yield rule
            rule, listing = "", False
        joint = ": " if line.names and not listing else " "
        rule, listing = (f"{rule}{joint}{line.text}" if rule else line.text), line.names
    yield rule


def _badge(pair: Pair, over: Overlay) -> str:
    if steps := over.visits(pair):
        return "#" + ",".join(map(str, steps))
    if (count := over.count(pair)) is not None:
        return f"{count:,}×" if count else "never"
    if over.fired is not None:
        return f"{over.covered(pair.ids)}/{len(pair.ids)}"
    change = over.change(pair.ids)
    return change.value if change else ""


def path_strip(path: Iterable[Step]) -> list[str]:
    """A job's way as a numbered strip, wrapped."""
    steps = list(path)
    words = [f"{steps[0].source}"] + [f"─{step.n}→ {step.target}" for step in steps]
    return wrap(" ".join(words).replace("→ ", "→\u00a0"), COLUMNS)


def _filled(head: str, parts: list[str], indent: int) -> list[str]:
    return wrap(head + "  ".join(parts), COLUMNS, subsequent_indent=" " * indent)
