"""What changed between two graphs: edges added, removed and changed, each with the traffic it carries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from diagrams.labels import Pair, block_lines, pairs
from diagrams.overlay import Change
from states.graph import Edge, Graph
from states.strategy import Row


@dataclass(frozen=True, slots=True)
class Changed:
    """One edge (or one number of the whole policy, then without traffic) that differs, in words."""

    change: Change
    edge: str
    text: str


@dataclass(frozen=True)
class GraphDiff:
    """Two graphs side by side. `edges` in the order of the new graph, removed ones last."""

    before: Graph
    after: Graph
    edges: tuple[Changed, ...]
    policy: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Do the two behave alike?"""
        return self.before.digest == self.after.digest

    @property
    def changes(self) -> Mapping[str, Change]:
        """By edge id, for an overlay."""
        return MappingProxyType({item.edge: item.change for item in self.edges})

    def of(self, change: Change) -> tuple[Changed, ...]:
        """The edges of one kind of change."""
        return tuple(item for item in self.edges if item.change is change)


def compare(before: Graph, after: Graph) -> GraphDiff:
    """Everything that differs between two graphs."""
    found = [
        *(_added(edge) for edge in after.edges if edge.id not in before.by_id),
        *_altered(before, after),
        *(_removed(edge) for edge in before.edges if edge.id not in after.by_id),
    ]
    order = {edge.id: n for n, edge in enumerate((*after.edges, *before.edges))}
    return GraphDiff(
        before, after, tuple(sorted(found, key=lambda item: order[item.edge])), _policy(before, after)
    )


def _added(edge: Edge) -> Changed:
    return Changed(Change.ADDED, edge.id, f"{edge.source} → {edge.target}")


def _removed(edge: Edge) -> Changed:
    return Changed(Change.REMOVED, edge.id, f"{edge.source} → {edge.target}")


def _altered(before: Graph, after: Graph) -> Iterator[Changed]:
    for new in after.edges:
        old = before.by_id.get(new.id)
        if old is not None and (words := "; ".join(_differences(old, new))):
            yield Changed(Change.CHANGED, new.id, words)


def _differences(old: Edge, new: Edge) -> Iterator[str]:
    for name in ("source", "target", "trigger", "guard"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {getattr(old, name)} → {getattr(new, name)}"
    if old.row is not None and new.row is not None:
        yield from _row_differences(old.row, new.row)


def _row_differences(old: Row, new: Row) -> Iterator[str]:
    for field in fields(Row):
        was, now = getattr(old, field.name), getattr(new, field.name)
        if was != now:
            yield f"{field.name}: {_word(was)} → {_word(now)}"


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{item:g}" for item in value) or "none"
    return "none" if value is None else str(value)


def _policy(before: Graph, after: Graph) -> tuple[str, ...]:
    """The numbers that bound every job."""
    old, new = before.strategy.as_data(), after.strategy.as_data()
    return tuple(
        f"{name}: {old[name]} → {new[name]}" for name in old if name != "rows" and old[name] != new[name]
    )


def joined_pairs(diff: GraphDiff) -> tuple[Pair, ...]:
    """The arrows of both graphs: the new blocks, with the removed edges' lines under them."""
    gone = Graph(diff.before.strategy, tuple(e for e in diff.before.edges if e.id not in diff.after.by_id))
    removed = {pair.key: pair for pair in pairs(gone)}
    kept = pairs(diff.after)
    joined = [_with(pair, removed.pop(pair.key, None)) for pair in kept]
    order = [pair.key for pair in pairs(Graph(diff.before.strategy, (*diff.before.edges, *diff.after.edges)))]
    return tuple(sorted((*joined, *removed.values()), key=lambda pair: order.index(pair.key)))


def _with(pair: Pair, gone: Pair | None) -> Pair:
    if gone is None:
        return pair
    lines = (*pair.lines, *block_lines(gone.edges))
    return Pair(pair.source, pair.target, (*pair.edges, *gone.edges), lines)


def as_text(diff: GraphDiff, traffic: Mapping[str, int] | None = None) -> str:
    """The diff as lines of text: `+`, `-`, `~`, the edge, its traffic when counted, and what changed."""
    if diff.same:
        return f"The graphs are the same ({diff.after.digest}).\n"
    head = f"{diff.before.digest} → {diff.after.digest}: " + ", ".join(
        f"{len(diff.of(change))} {change}" for change in Change
    )
    marks = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~"}
    lines = [head, *(f"~ every job  {words}" for words in diff.policy)]
    lines += [f"{marks[i.change]} {i.edge}{_traffic(i.edge, traffic)}  {i.text}" for i in diff.edges]
    if traffic is not None:
        touched = sum(traffic.get(item.edge, 0) for item in diff.edges)
        total = sum(traffic.values())
        share = f" ({touched / total:.1%})" if total else ""
        lines.append(f"{touched:,} of {total:,} recorded moves went over these edges{share}.")
    return "\n".join(lines) + "\n"


def _traffic(edge: str, traffic: Mapping[str, int] | None) -> str:
    return "" if traffic is None else f"  [{traffic.get(edge, 0):,}×]"
