"""The layout engine: elkjs (vendored, unmodified) inside QuickJS. An extra, needed only for a new structure.

elkjs 0.12.1 is EPL-2.0 (`vendor/elk.LICENSE.md`). The same file gives the same bytes in Node and in a page.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from diagrams.elk_variants import VARIANTS
from diagrams.geometry import badness, straightened
from diagrams.layout import Box, Layout, NoLayoutError, Point
from diagrams.scene import Scene
from states.vocabulary import TERMINALS, State

ELK_FILE = Path(__file__).parent / "vendor" / "elk.bundled.js"
"""The vendored engine."""

_MARGIN = 24.0
_DOT_GAP = 34.0

_OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "DOWN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
    "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
    "elk.layered.feedbackEdges": "true",
    "elk.edgeLabels.placement": "CENTER",
    "elk.layered.edgeLabels.sideSelection": "ALWAYS_UP",
    "elk.layered.thoroughness": "100",
    "elk.spacing.nodeNode": "40",
    "elk.layered.spacing.nodeNodeBetweenLayers": "34",
    "elk.layered.spacing.edgeNodeBetweenLayers": "18",
    "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
    "elk.spacing.edgeEdge": "14",
    "elk.spacing.edgeNode": "18",
    "elk.spacing.edgeLabel": "6",
    "elk.spacing.labelLabel": "8",
    "elk.spacing.labelNode": "8",
}

_PRELUDE = """
var __later = [];
var self = this, setTimeout = function (f) { __later.push(f); return __later.length; },
    console = {log: function () {}, warn: function () {}, error: function () {}},
    clearTimeout = function () {}, module = {exports: {}}, exports = module.exports, __out = null;
"""
_RUN = """
(new module.exports()).layout(JSON.parse(__in)).then(
  function (g) { __out = JSON.stringify({ok: g}); },
  function (e) { __out = JSON.stringify({error: String(e && e.message || e)}); });
"""


def place(what: Scene) -> Layout:
    """Compute a layout (some seconds). Raises NoLayoutError when the engine is not installed."""
    context = _engine()
    tries = [straightened(_read(_run(context, _question(what, *variant)))) for variant in VARIANTS]
    return min(tries, key=badness)


def _engine() -> Any:
    try:
        import quickjs  # noqa: PLC0415 - the extra [diagrams]
    except ImportError as error:
        raise NoLayoutError(
            "This graph has no committed layout and the layout engine is not installed: "
            "run `pip install 'reelstate[diagrams]'`, or draw it as Mermaid, DOT or a table."
        ) from error
    context = quickjs.Context()
    context.eval(_PRELUDE)
    context.eval(ELK_FILE.read_text(encoding="utf-8"))
    return context


def _run(context: Any, graph: dict[str, Any]) -> dict[str, Any]:
    context.eval("__out = null")
    context.set("__in", json.dumps(graph))
    context.eval(_RUN)
    while context.eval("__out") is None:
        moved = context.execute_pending_job()
        if not moved and not context.eval("__later.length ? (__later.shift()(), true) : false"):
            raise RuntimeError("elkjs stopped without an answer")
    answer: dict[str, Any] = json.loads(context.eval("__out"))
    if "error" in answer:
        raise RuntimeError(f"elkjs refused the graph: {answer['error']}")
    placed: dict[str, Any] = answer["ok"]
    return placed


def _question(what: Scene, options: Mapping[str, str], order: Sequence[str]) -> dict[str, Any]:
    place_of = {key: n for n, key in enumerate(order)}
    arrows = sorted(what.pairs, key=lambda pair: place_of.get(pair.key, len(order)))
    return {
        "id": "root",
        "layoutOptions": {**_OPTIONS, **options},
        "children": [_node(what, state) for state in State],
        "edges": [
            {
                "id": pair.key,
                "sources": [pair.source.value],
                "targets": [pair.target.value],
                "labels": [
                    {
                        "id": f"{pair.key}/label",
                        "text": pair.key,
                        "width": what.blocks[pair.key].width,
                        "height": what.blocks[pair.key].height,
                    }
                ],
            }
            for pair in arrows
        ],
    }


def _node(what: Scene, state: State) -> dict[str, Any]:
    options = {}
    if state is State.QUEUED:
        options["elk.layered.layering.layerConstraint"] = "FIRST"
    if state in TERMINALS:
        options["elk.layered.layering.layerConstraint"] = "LAST"
    size = what.states[state]
    return {"id": state.value, "width": size.width, "height": size.height, "layoutOptions": options}


def _read(placed: dict[str, Any]) -> Layout:
    dx, dy = _MARGIN, _MARGIN + _DOT_GAP

    def box(item: dict[str, Any]) -> Box:
        return Box(_px(item["x"] + dx), _px(item["y"] + dy), _px(item["width"]), _px(item["height"]))

    states = {State(child["id"]): box(child) for child in placed["children"]}
    start = states[State.QUEUED]
    return Layout(
        size=Point(_px(placed["width"] + 2 * dx), _px(placed["height"] + dy + _MARGIN)),
        dot=Point(start.middle.x, _px(start.y - _DOT_GAP)),
        states=MappingProxyType(states),
        labels=MappingProxyType({edge["id"]: box(edge["labels"][0]) for edge in placed["edges"]}),
        arrows=MappingProxyType(
            {
                edge["id"]: tuple(Point(_px(p["x"] + dx), _px(p["y"] + dy)) for p in _points(edge))
                for edge in placed["edges"]
            }
        ),
    )


def _points(edge: dict[str, Any]) -> list[dict[str, float]]:
    (section,) = edge["sections"]
    return [section["startPoint"], *section.get("bendPoints", []), section["endPoint"]]


def _px(value: float) -> float:
    return round(value, 1)
