"""How good a picture is, in numbers: what covers what, how often lines cross, how often they bend."""

from collections.abc import Iterator
from itertools import combinations, pairwise

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
    """Arrows that run through another arrow's label block, or through a state they do not touch."""
    found = []
    for key, a, b in segments(layout):
        found += [
            f"{key} through {k}" for k, box in layout.labels.items() if k != key and box.crossed_by(a, b)
        ]
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
