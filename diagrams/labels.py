"""What is written beside the arrows: one block a pair of states, one line a group of rules.

Rows that are treated alike (class, retries, delays, notices, alerts) share a line; their reasons
follow it, wrapped. Every text form of the graph (SVG, Mermaid, DOT, PlantUML, SCXML) uses these blocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from diagrams.metrics import width
from states.facts import Guard
from states.graph import Edge, EdgeKind, Graph
from states.strategy import Row
from states.vocabulary import NoticeKind, State, Trigger

RETRY, NOTIFY, REFUND, ALERT = "↻", "✉", "↶", "⚑"
"""The marks: tried again, the user is told, credits go back, the operator is told."""

MARKS = {
    RETRY: "tried again (times, delays)",
    NOTIFY: "the user is told",
    REFUND: "credits go back",
    ALERT: "the operator is told",
}
"""The legend."""

BLOCK_PX, PLAIN_PX = 252.0, 172.0
"""Widest line of a block of rules, and of the few words beside the plain flow."""
INDENT_PX = 8.0
"""Indentation of the reasons under their rule."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. `style`: head (bold), mark, or text."""

    text: str
    style: str = "text"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block. `edges`: ids it speaks for; empty for a continuation of the line above.

    `names`: it lists the reasons of the rule above.
    """

    spans: tuple[Span, ...]
    edges: tuple[str, ...] = ()
    indent: bool = False
    names: bool = False

    @property
    def text(self) -> str:
        """The line without styles."""
        return " ".join(span.text for span in self.spans)

    @property
    def width_px(self) -> float:
        """Its width in the picture."""
        words = [width(span.text, bold=span.style == "head") for span in self.spans]
        return sum(words) + width(" ") * (len(words) - 1) + (INDENT_PX if self.indent else 0)


@dataclass(frozen=True, slots=True)
class Pair:
    """All edges between two states: one arrow in the picture."""

    source: State
    target: State
    edges: tuple[Edge, ...]
    lines: tuple[Line, ...]

    @property
    def key(self) -> str:
        """A stable name, `source-target`."""
        return f"{self.source}-{self.target}"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its edges."""
        return tuple(edge.id for edge in self.edges)

    @property
    def kind(self) -> EdgeKind:
        """The meaning of the arrow."""
        return self.edges[0].kind

    @property
    def loop(self) -> bool:
        """Does it return to its own state?"""
        return self.source is self.target


def pairs(graph: Graph) -> tuple[Pair, ...]:
    """The arrows of a graph with their label blocks, in the graph's own order."""
    groups: dict[tuple[State, State], list[Edge]] = {}
    for edge in graph.edges:
        groups.setdefault((edge.source, edge.target), []).append(edge)
    order = {state: n for n, state in enumerate(State)}
    ids = frozenset(graph.by_id)
    keys = sorted(groups, key=lambda key: (order[key[0]], order[key[1]]))
    return tuple(Pair(*key, tuple(groups[key]), tuple(_block(groups[key], ids))) for key in keys)


def block_lines(edges: Iterable[Edge]) -> tuple[Line, ...]:
    """The lines of some edges of one arrow, with no regard to other arrows."""
    return tuple(_block(list(edges), frozenset()))


def _block(edges: list[Edge], ids: frozenset[str]) -> Iterator[Line]:
    if len(edges) > 2 and all(_has_twin(edge, ids) for edge in edges):
        every = tuple(edge.id for edge in edges)
        yield Line((Span("free job", "head"),), every)
        yield Line((Span(f"the same {len(edges)} rules"),), (), indent=True)
        return
    rules = [edge for edge in edges if edge.row is not None]
    for edge in edges:
        if edge.row is None:
            yield from _wrapped(_plain(edge), (edge.id,), most_px=PLAIN_PX)
    for group in _groups(rules):
        yield from _rule(group)


def _has_twin(edge: Edge, ids: frozenset[str]) -> bool:
    return edge.target is State.FAILED and edge.id.removesuffix("/free") in ids - {edge.id}


# --- edges of the plain flow --------------------------------------------------------------------

_ASIDE: dict[Guard, str] = {
    Guard.VIDEO_EXISTS: "[video exists]",
    Guard.FREE: "[free job]",
    Guard.COSTLESS_HELD: "[nothing bought yet]",
    Guard.COSTLESS_FREE: "[free job]",
}
_SAID: dict[Trigger, NoticeKind] = {
    Trigger.CANCEL: NoticeKind.CANCELLED,
    Trigger.EXPIRE: NoticeKind.EXPIRED,
    Trigger.DELIVERED: NoticeKind.BELL,
}


def _plain(edge: Edge) -> Iterator[Span]:
    yield Span(edge.trigger.value, "head")
    if edge.guard in _ASIDE:
        yield Span(_ASIDE[edge.guard])
    if edge.trigger in _SAID:
        yield Span(f"{NOTIFY} {_SAID[edge.trigger]}", "mark")
    if edge.target is State.REFUNDED:
        yield Span(REFUND, "mark")


# --- rules of the strategy table ----------------------------------------------------------------


def _groups(edges: Iterable[Edge]) -> Iterator[list[Edge]]:
    """Edges whose rows are treated alike on this arrow, in table order."""
    groups: dict[tuple[object, ...], list[Edge]] = {}
    for edge in edges:
        groups.setdefault(_alike(edge), []).append(edge)
    yield from groups.values()


def _alike(edge: Edge) -> tuple[object, ...]:
    row = _row(edge)
    ending = (row.cls, row.counter, row.retries, row.parks)
    if edge.kind is EdgeKind.RETRY:
        return (*ending, row.delays_s, row.told, row.told_from, row.alert)
    return (*ending, row.ends, row.alert_end, edge.guard)


def _rule(group: list[Edge]) -> Iterator[Line]:
    row, retried = _row(group[0]), group[0].kind is EdgeKind.RETRY
    ids = tuple(edge.id for edge in group)
    names = [Span(edge.reason) for edge in group] if retried or row.retries == 0 else []
    spans = [Span(row.cls.value, "head")]
    if len(names) == 1 or (not retried and row.cls in _ONE_REASON):
        spans.append(Span(group[0].reason))
        names = []
    spans += _retry_marks(row) if retried else _end_marks(group[0], row)
    yield from _wrapped(spans, ids)
    yield from (replace(line, names=True) for line in _wrapped(names, (), indent=True))


_ONE_REASON = frozenset({"ambiguous", "parked"})
"""Classes whose rows are told apart by their reason even where the others are counted together."""


def _retry_marks(row: Row) -> list[Span]:
    times = f"{RETRY} {row.retries}×" if row.retries is not None else f"{RETRY} till {_limit(row)}"
    marks = [Span(times, "mark"), Span(_delays(row))]
    if row.told is not None:
        when = "once" if row.told_from == 1 else f"from {_ordinal(row.told_from)}"
        marks.append(Span(f"{NOTIFY} {row.told} {when}", "mark"))
    if row.alert is not None:
        marks.append(Span(f"{ALERT} {row.alert}", "mark"))
    return marks


def _end_marks(edge: Edge, row: Row) -> list[Span]:
    spent = "at once" if row.retries == 0 else f"after {row.retries} retries"
    if row.retries is None:
        spent = f"at {_limit(row)}"
    marks = [Span(spent), Span(f"{NOTIFY} {row.ends}", "mark")]
    if row.alert_end is not None:
        marks.append(Span(f"{ALERT} {row.alert_end}", "mark"))
    if edge.target is State.REFUNDED:
        marks.append(Span(REFUND, "mark"))
    return marks


def _limit(row: Row) -> str:
    return "video's end" if row.parks else "deadline"


def _delays(row: Row) -> str:
    if all(delay >= 3600 for delay in row.delays_s):
        return "·".join(f"{delay / 3600:g}" for delay in row.delays_s) + " h"
    return "·".join(f"{delay:g}" for delay in row.delays_s) + " s"


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def _row(edge: Edge) -> Row:
    assert edge.row is not None  # noqa: S101 - only edges with rows are grouped
    return edge.row


# --- wrapping -----------------------------------------------------------------------------------


def _wrapped(
    spans: Iterable[Span], ids: tuple[str, ...], *, indent: bool = False, most_px: float = BLOCK_PX
) -> Iterator[Line]:
    """Fill lines up to the block's width; the ids stay with the first."""
    line: tuple[Span, ...] = ()
    for span in spans:
        longer = Line((*line, span), indent=indent)
        if line and longer.width_px > most_px:
            yield Line(line, ids, indent)
            line, ids, indent = (span,), (), True
        else:
            line = longer.spans
    if line:
        yield Line(line, ids, indent)
