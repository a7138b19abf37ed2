"""How good a picture is, in numbers: what covers what, how often lines cross, how often they bend."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from types import MappingProxyType

from diagrams.layout import Box, Layout, Point
from states.vocabulary import TERMINALS

Segment = tuple[str, Point, Point]


def segments(layout: Layout) -> list[Segment]:
    """Every straight piece of every arrow, with the arrow's key."""
    return [(key, a, b) for key, points in layout.arrows.items() for a, b in pairwise(points)]


def overlaps(layout: Layout, gap_px: float = 2.0) -> list[str]:
    """Boxes (states, label blocks) that cover each other or come closer than the gap."""
    boxes: list[tuple[str, Box]] = [
        *((f"state {state}", box) for state, box in layout.states.items()),
        *((f"label {key}", box) for key, box in layout.labels.items()),
    ]
    return [
        f"{a} and {b}" for (a, first), (b, second) in combinations(boxes, 2) if first.overlaps(second, gap_px)
    ]


def covered_lines(layout: Layout) -> list[str]:
    """Arrows that run through a label block, or through a state they do not touch."""
    found = []
    for key, a, b in segments(layout):
        found += [f"{key} through {k}" for k, box in layout.labels.items() if box.crossed_by(a, b)]
        found += [
            f"{key} through {state}"
            for state, box in layout.states.items()
            if state.value not in key.split("-") and box.crossed_by(a, b)
        ]
    return found


def crossings(layout: Layout) -> int:
    """How often two arrows cross."""
    return sum(1 for _ in _crossings(layout))


def _crossings(layout: Layout) -> Iterator[tuple[str, str]]:
    for (key, a, b), (other, c, d) in combinations(segments(layout), 2):
        if key != other and _upright(a, b) != _upright(c, d):
            up, flat = ((a, b), (c, d)) if _upright(a, b) else ((c, d), (a, b))
            if _between(flat[0].x, up[0].x, flat[1].x) and _between(up[0].y, flat[0].y, up[1].y):
                yield key, other


def _upright(a: Point, b: Point) -> bool:
    return a.x == b.x


def _between(low: float, value: float, high: float) -> bool:
    return min(low, high) < value < max(low, high)


def badness(layout: Layout) -> float:
    """One number to choose by: clashes first, then crossings, bends, little steps, uneven ends and size."""
    ends = [layout.states[state].y for state in TERMINALS]
    steps = sum(1 for _, a, b in segments(layout) if 0 < abs(a.x - b.x) + abs(a.y - b.y) < 16)
    bends = sum(len(points) - 2 for points in layout.arrows.values())
    clashes = len(overlaps(layout)) + len(covered_lines(layout))
    size = layout.size.x + 0.3 * layout.size.y
    return (
        1000 * clashes + 30 * crossings(layout) + 4 * bends + 8 * steps + 1.5 * (max(ends) - min(ends)) + size
    )


# --- straightening ------------------------------------------------------------------------------

_KINK_ROOM = 10.0
_KINK_PX, _APART_PX, _ASIDE_PX = 10.0, 7.0, (0.0, -_KINK_ROOM, _KINK_ROOM)


def crowded_lines(layout: Layout) -> int:
    """How many pairs of pieces of different arrows run beside each other too closely."""
    pairs_of = combinations(segments(layout), 2)
    return sum(1 for first, second in pairs_of if first[0] != second[0] and _beside(first, second))


def _beside(first: Segment, second: Segment) -> bool:
    (_, a, b), (_, c, d) = first, second
    if _upright(a, b) and _upright(c, d):
        return abs(a.x - c.x) < _APART_PX and _share(a.y, b.y, c.y, d.y)
    if a.y == b.y and c.y == d.y:
        return abs(a.y - c.y) < _APART_PX and _share(a.x, b.x, c.x, d.x)
    return False


def _share(a: float, b: float, c: float, d: float) -> bool:
    return min(max(a, b), max(c, d)) - max(min(a, b), min(c, d)) > 1


def straightened(layout: Layout) -> Layout:
    """The layout without little kinks, wherever a straight line covers and crowds nothing new."""
    for key in layout.arrows:
        for at in range(1, len(layout.arrows[key]) - 2):
            tries = (
                _moved(layout, key, points, by)
                for points in _without_kink(layout.arrows[key], at)
                for by in _ASIDE_PX
            )
            layout = next((tried for tried in tries if _clashes(tried) <= _clashes(layout)), layout)
    return layout


def _moved(layout: Layout, key: str, points: tuple[Point, ...], aside_px: float) -> Layout:
    """The arrow's new way, its label moved aside by so much."""
    box = layout.labels[key]
    label = replace(box, x=box.x + aside_px)
    return replace(
        layout,
        arrows=MappingProxyType({**layout.arrows, key: points}),
        labels=MappingProxyType({**layout.labels, key: label}),
    )


def _clashes(layout: Layout) -> tuple[int, int, int, int]:
    return len(overlaps(layout)), len(covered_lines(layout)), crowded_lines(layout), crossings(layout)


def _without_kink(points: tuple[Point, ...], at: int) -> Iterator[tuple[Point, ...]]:
    """The piece after point `at` is a kink when it is short: move the piece after it, or the one before."""
    if at + 1 >= len(points):
        return
    a, b = points[at], points[at + 1]
    dx, dy = a.x - b.x, a.y - b.y
    if not 0 < abs(dx) + abs(dy) < _KINK_PX:
        return
    if at + 2 < len(points) - 1:
        moved = Point(points[at + 2].x + dx, points[at + 2].y + dy)
        yield (*points[:at], moved, *points[at + 3 :])
    if at - 1 > 0:
        moved = Point(points[at - 1].x - dx, points[at - 1].y - dy)
        yield (*points[: at - 1], moved, *points[at + 2 :])
