"""Arrows and their label blocks: rounded corners, width by traffic, badges in the room under a block."""

from collections.abc import Iterator
from itertools import pairwise
from math import hypot, log1p

from diagrams.labels import INDENT_PX, Line, Pair
from diagrams.layout import Box, Layout, Point
from diagrams.markup import element, escape, number
from diagrams.metrics import LINE_PX, width
from diagrams.overlay import Overlay

_CORNER = 8.0
TALLY_PX, TALLY_GAP_PX = 9.5, 7.0
"""Font size of a rule's own number, and its distance from the words."""
_BASE_PX, _MARKED_PX, _LOOP_PX, _MOST_PX = 1.5, 2.8, 3.5, 7.0


def arrow_line(pair: Pair, layout: Layout, over: Overlay) -> str:
    """The line and its tip."""
    points = layout.arrows[pair.key]
    thick = thickness(pair, over)
    tip_px = 7 + thick * 1.3
    style = f"stroke-width:{number(thick)}px" if thick != _BASE_PX else ""
    line = element("path", {"class": "line", "d": _rounded(_shortened(points, tip_px - 1)), "style": style})
    tip = element("path", {"class": "tip", "d": _tip(points[-2], points[-1], tip_px, 2.6 + thick)})
    return element("g", {"class": _classes("arrow", pair, over), **_data(pair)}, line + tip)


def thickness(pair: Pair, over: Overlay) -> float:
    """Line width in px: by the logarithm of its traffic, or a little more on a path or in a diff."""
    if over.changes is not None:
        return _MARKED_PX if over.change(pair.ids) else _BASE_PX
    count = over.count(pair)
    if count:
        most = _LOOP_PX if pair.loop else _MOST_PX
        return _BASE_PX + (most - _BASE_PX) * (log1p(count) / log1p(max(over.busiest, count, 10))) ** 2
    return _MARKED_PX if over.visits(pair) else _BASE_PX


def arrow_label(pair: Pair, layout: Layout, over: Overlay) -> str:
    """The block of rules on its plate, and the badges under it."""
    box = layout.labels[pair.key]
    text_height = len(pair.lines) * LINE_PX
    widest = max(line.width_px for line in pair.lines)
    plate: dict[str, str | float] = {
        "class": "plate",
        "x": box.x,
        "y": box.y,
        "width": widest + 4,
        "height": text_height + 2,
        "rx": 3,
    }
    several = sum(1 for line in pair.lines if line.edges) > 1
    rules, left = list[str](), list[str]()
    for row, lines in _rules(pair.lines):
        word = tally_text(lines[0].edges, over) if several else ""
        placed = _with_room(lines, box, word)
        rules.append(_rule(lines, box, row, over, (placed, word)))
        if word and placed is None:
            left.append(f"{_reason(lines[0].edges)} {word}")
    inner = [element("rect", plate), *rules, _badges(pair, box, box.y + text_height, over, left)]
    return element("g", {"class": _classes("label", pair, over), **_data(pair)}, "".join(inner))


def _classes(name: str, pair: Pair, over: Overlay) -> str:
    classes = [name, f"k-{pair.kind.value}"]
    if over.changes is not None:
        classes.append(_changed(name, pair, over))
    elif over.path:
        classes += [] if over.visits(pair) else ["faded"]
    elif over.covered(pair.ids) == 0:
        classes += ["never", "faded"]
    return " ".join(classes)


def _changed(name: str, pair: Pair, over: Overlay) -> str:
    """A line shows the change of all its rules together; in a label each rule shows its own."""
    change = over.change(pair.ids)
    return change.value if change is not None and name == "arrow" else "faded"


def _data(pair: Pair) -> dict[str, str]:
    return {
        "data-from": pair.source.value,
        "data-to": pair.target.value,
        "data-edges": " ".join(pair.ids),
    }


# --- lines --------------------------------------------------------------------------------------


def _shortened(points: tuple[Point, ...], by_px: float) -> list[Point]:
    """The line ends where its tip begins."""
    before, end = points[-2], points[-1]
    length = hypot(end.x - before.x, end.y - before.y)
    part = max(length - by_px, 0) / length if length else 0
    stop = Point(before.x + (end.x - before.x) * part, before.y + (end.y - before.y) * part)
    return [*points[:-1], stop]


def _rounded(points: list[Point]) -> str:
    path = [f"M{_at(points[0])}"]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        radius = min(_CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        path.append(f"L{_at(_towards(corner, before, radius))}")
        path.append(f"Q{_at(corner)} {_at(_towards(corner, after, radius))}")
    path.append(f"L{_at(points[-1])}")
    return "".join(path)


def _distance(a: Point, b: Point) -> float:
    return hypot(a.x - b.x, a.y - b.y)


def _towards(start: Point, end: Point, by_px: float) -> Point:
    length = _distance(start, end) or 1.0
    return Point(start.x + (end.x - start.x) * by_px / length, start.y + (end.y - start.y) * by_px / length)


def _tip(before: Point, end: Point, length: float, half: float) -> str:
    back = _towards(end, before, length)
    across = Point((back.y - end.y) / length * half, (end.x - back.x) / length * half)
    left, right = Point(back.x + across.x, back.y + across.y), Point(back.x - across.x, back.y - across.y)
    return f"M{_at(end)}L{_at(left)}L{_at(right)}z"


def _at(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


# --- labels -------------------------------------------------------------------------------------


def _rules(lines: tuple[Line, ...]) -> Iterator[tuple[int, list[Line]]]:
    """Lines grouped by rule (a rule starts where ids are given), each with the row it starts at."""
    start, rule = 0, list[Line]()
    for row, line in enumerate(lines):
        if line.edges and rule:
            yield start, rule
            start, rule = row, []
        rule.append(line)
    yield start, rule


def _with_room(lines: list[Line], box: Box, word: str) -> Line | None:
    """The first line of a rule that has room for the rule's own number."""
    needed = 2 + TALLY_GAP_PX + width(word, TALLY_PX, bold=True)
    return next((line for line in lines if word and line.width_px + needed <= box.width), None)


def _reason(ids: tuple[str, ...]) -> str:
    """The word a rule can be called by: its first edge's reason, or its trigger."""
    return ids[0].split("/")[1:3][-1]


def _rule(lines: list[Line], box: Box, row: int, over: Overlay, tally: tuple[Line | None, str]) -> str:
    """One rule, with its own number behind the line that has room for it."""
    ids, (placed, word) = lines[0].edges, tally
    texts = [element("title", {}, escape(named))] if (named := _named(ids, over)) else []
    for offset, line in enumerate(lines):
        x = box.x + 2 + (INDENT_PX if line.indent else 0)
        y = box.y + (row + offset) * LINE_PX + 11
        spans = [
            element("tspan", {"class": s.style if s.style != "text" else ""}, escape(s.text))
            for s in line.spans
        ]
        texts.append(element("text", {"x": x, "y": y}, " ".join(spans)))
        if line is placed:
            start = box.x + 2 + line.width_px + TALLY_GAP_PX
            texts.append(element("text", {"class": "tally", "x": start, "y": y}, escape(word)))
    return element("g", {"class": _rule_classes(ids, over), "data-edges": " ".join(ids)}, "".join(texts))


def tally_text(ids: tuple[str, ...], over: Overlay) -> str:
    """A rule's own number where an arrow has several: its steps, or how often its edges were taken."""
    if over.path:
        return ",".join(str(step.n) for step in over.path if step.edge in ids)
    if over.counts is None or (over.changes is not None and over.change(ids) is None):
        return ""
    count = sum(over.counts.get(edge, 0) for edge in ids)
    return f"{count:,}{'×' if over.changes is not None else ''}" if count or over.changes is not None else ""


def _named(ids: tuple[str, ...], over: Overlay) -> str:
    """The traffic of each edge of a rule, for a reader who points at it."""
    if over.counts is None:
        return ""
    return "\n".join(f"{edge}: {over.counts[edge]:,}" for edge in ids if over.counts.get(edge))


def _rule_classes(ids: tuple[str, ...], over: Overlay) -> str:
    if over.changes is not None:
        change = over.change(ids)
        return f"rule {change or 'faded'}"
    if over.path:
        return "rule" if any(step.edge in ids or not step.edge for step in over.path) else "rule faded"
    return "rule faded" if over.covered(ids) == 0 else "rule"


def _badges(pair: Pair, box: Box, y: float, over: Overlay, left: list[str]) -> str:
    """As many badges as the block's width has room for, the first in any case; then what was `left` over."""
    parts, x = list[str](), box.x + 2
    for text in badge_texts(pair, over):
        wide = width(text, 9.5, bold=True) + 10
        if parts and x + wide > box.x + box.width:
            break
        pill: dict[str, str | float] = {
            "class": "pill",
            "x": x,
            "y": y + 2,
            "width": wide,
            "height": 14,
            "rx": 7,
        }
        word = element("text", {"x": x + wide / 2, "y": y + 12.4}, escape(text))
        parts.append(element("rect", {**pill, "height": 14, "rx": 7}) + word)
        x += wide + 4
    badges = element("g", {"class": "badge"}, "".join(parts)) if parts else ""
    word = _within(left, box.x + box.width - x)
    return (
        badges + element("text", {"class": "tally", "x": x, "y": y + 12.4}, escape(word)) if word else badges
    )


def _within(words: list[str], room_px: float) -> str:
    """As many of the words as there is room for, with a sign when that is not all."""
    for count in range(len(words), 0, -1):
        text = " · ".join([*words[:count], *(["…"] if count < len(words) else [])])
        if width(text, TALLY_PX, bold=True) <= room_px:
            return text
    return ""


def badge_texts(pair: Pair, over: Overlay) -> list[str]:
    """The badges of an arrow: its steps, its count, the credits it moved, how much of it is covered.

    In a diff the count is that of the changed rules only: the traffic that the change touches.
    """
    badges = []
    if steps := over.visits(pair):
        badges.append(",".join(map(str, steps)))
    if over.changes is not None:
        if over.counts is not None and over.change(pair.ids):
            badges.append(f"{sum(over.counts.get(e, 0) for e in pair.ids if e in over.changes):,}×")
        return badges
    if count := over.count(pair):
        badges.append(f"{count:,}")
    if moved := over.credits(pair):
        badges.append(f"{moved:+,} cr".replace("-", "−"))
    if over.fired is not None:
        badges.append(f"{over.covered(pair.ids)}/{len(pair.ids)}")
    return badges
