"""The picture, painted from a layout by the standard library alone. Text stays text.

`paint` is what the README, the command line, the live page and the replay report share. Elements
carry `data-state`, `data-from`, `data-to` and `data-edges`, so that a page can light them up.
"""

from typing import Literal

from diagrams.arrows import arrow_label, arrow_line
from diagrams.boxes import start_dot, state_box
from diagrams.labels import MARKS, Pair, pairs
from diagrams.layout import Layout, find_layout
from diagrams.markup import element, escape, number
from diagrams.metrics import width
from diagrams.overlay import PLAIN, Overlay
from diagrams.scene import scene_of
from diagrams.style import stylesheet
from states.graph import EdgeKind, Graph
from states.vocabulary import State

ThemeName = Literal["light", "dark", "auto"]
LEGEND_PX = 40.0

_HUES = {
    EdgeKind.FLOW: "flow",
    EdgeKind.RETRY: "retry",
    EdgeKind.REFUND: "refund",
    EdgeKind.FAILURE: "nothing to refund",
    EdgeKind.DONE: "done",
}

_COUNTED = "width and number: moves   cr: credits   dashed: never fired"


def paint(graph: Graph, *, theme: ThemeName = "light", overlay: Overlay | None = None) -> str:
    """The graph as an SVG document (ends with a newline).

    `auto` follows the reader's light or dark mode. Raises NoLayoutError when the graph's structure has
    no committed layout and the extra [diagrams] is not installed.
    """
    return paint_pairs(pairs(graph), title=f"State graph {graph.digest}", theme=theme, overlay=overlay)


def paint_pairs(
    arrows: tuple[Pair, ...], *, title: str, theme: ThemeName = "light", overlay: Overlay | None = None
) -> str:
    """Paint these arrows; a diff paints those of two graphs together."""
    over = overlay or PLAIN
    layout = find_layout(scene_of(arrows))
    size = {"width": layout.size.x, "height": layout.size.y + LEGEND_PX + 18 * len(_painted_over(over))}
    body = [
        element("title", {}, escape(title)),
        element("desc", {}, escape(_description(arrows))),
        element("style", {}, stylesheet(theme)),
        element("rect", {"class": "paper", **size}),
        start_dot(layout),
        *(arrow_line(pair, layout, over) for pair in _faint_first(arrows, over)),
        *(arrow_label(pair, layout, over) for pair in arrows),
        *(state_box(state, layout.states[state], over) for state in State),
        _legend(layout, over),
    ]
    frame: dict[str, str | float] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "reel-graph" + (" traced" if over.path else ""),
        "viewBox": f"0 0 {number(size['width'])} {number(size['height'])}",
        **size,
        "role": "img",
        "aria-label": title,
    }
    return element("svg", frame, "\n".join(["", *body, ""])) + "\n"


def _faint_first(arrows: tuple[Pair, ...], over: Overlay) -> list[Pair]:
    """What matters is painted last, so that it lies on top."""
    return sorted(arrows, key=lambda pair: (bool(over.visits(pair)), over.count(pair) or 0))


def _description(arrows: tuple[Pair, ...]) -> str:
    """The picture in words, for readers who cannot see it."""
    return "; ".join(
        f"{pair.source} to {pair.target}: {', '.join(line.text for line in pair.lines)}" for pair in arrows
    )


def _legend(layout: Layout, over: Overlay) -> str:
    """Hues on the first line, marks on the second, what is painted over on the third."""
    parts, x, y = [], 24.0, layout.size.y + 8
    for kind, name in _HUES.items():
        line = element("path", {"class": "line", "d": f"M{number(x)} {number(y - 3.5)}h18"})
        text = element("text", {"x": x + 24, "y": y}, name)
        parts.append(element("g", {"class": f"k-{kind.value}"}, line + text))
        x += 24 + width(name) + 18
    marks = "   ".join(f"{mark} {meaning}" for mark, meaning in MARKS.items())
    for row, text in enumerate((marks, *_painted_over(over)), start=1):
        spaced = text.replace("   ", "\u00a0\u00a0 ")
        parts.append(element("text", {"x": 24, "y": y + row * 18}, spaced))
    return element("g", {"class": "legend"}, "".join(parts))


def _painted_over(over: Overlay) -> list[str]:
    """What the overlay's signs mean."""
    signs = []
    if over.changes is not None:
        signs.append("green: added   red, struck out: removed   amber, dotted: changed")
        signs += ["n×: recorded moves over the changed rules"] if over.counts is not None else []
    else:
        signs += ["numbered: the steps of one job"] if over.path else []
        signs += [_COUNTED] if over.counts is not None else []
        signs += ["p50 · p95: time in state"] if over.times else []
        signs += ["n/m: edges covered   dashed: not covered"] if over.fired is not None else []
    return ["   ".join(signs)] if signs else []
