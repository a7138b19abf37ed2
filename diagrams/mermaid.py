"""Mermaid: the text view. One merged arrow a pair of states, configuration pinned, labels escaped.

Pinned because Mermaid 12 changed its default layout and theme (mermaid-js/mermaid pull requests 8155, 8211);
merged because several self transitions are drawn on top of each other (issues 6132, 6888); spaced so that
the label of the one that is left does not lie on its neighbour's.
"""

from diagrams.labels import Line, Pair, pairs
from diagrams.theme import LIGHT
from states.graph import EdgeKind, Graph
from states.vocabulary import State

_HEAD = """---
config: {layout: dagre, theme: default, look: classic, state: {nodeSpacing: 60, rankSpacing: 70}}
---
stateDiagram-v2
    direction TB
"""
_ENDS = {State.DONE: EdgeKind.DONE, State.REFUNDED: EdgeKind.REFUND, State.FAILED: EdgeKind.FAILURE}
_CODES = {"#": "#35;", ";": "#59;", ":": "#58;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "%": "#37;"}


def mermaid(graph: Graph) -> str:
    """The graph as a `stateDiagram-v2`."""
    lines = [f"    [*] --> {State.QUEUED}"]
    lines += [f"    {pair.source} --> {pair.target} : {_label(pair)}" for pair in pairs(graph)]
    for state, kind in _ENDS.items():
        lines.append(f"    {state} --> [*]")
        lines.append(f"    classDef {kind}End fill:{LIGHT.fill[kind]},stroke:{LIGHT.ink[kind]},color:#0f172a")
        lines.append(f"    class {state} {kind}End")
    return _HEAD + "\n".join(lines) + "\n"


def _label(pair: Pair) -> str:
    return "<br>".join(_line(line) for line in pair.lines)


def _line(line: Line) -> str:
    text = ("· " if line.indent else "") + line.text
    return "".join(_CODES.get(char, char) for char in text)
