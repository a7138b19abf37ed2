"""DOT for Graphviz: one arrow a pair of states, left-justified label blocks, terminals double-lined."""

from diagrams.labels import Pair, pairs
from diagrams.theme import LIGHT
from states.graph import EdgeKind, Graph
from states.vocabulary import State

_ENDS = {State.DONE: EdgeKind.DONE, State.REFUNDED: EdgeKind.REFUND, State.FAILED: EdgeKind.FAILURE}
_HEAD = """digraph reelstate {
  rankdir=TB; nodesep=0.5; ranksep=0.4;
  node [shape=box, style="rounded,filled", fontname="DejaVu Sans", fontsize=13, margin="0.25,0.12"];
  edge [fontname="DejaVu Sans", fontsize=10];
  start [shape=point, width=0.15, label=""];
"""


def dot(graph: Graph) -> str:
    """The graph in the DOT language."""
    lines = [_state(state) for state in State]
    lines.append(f"  start -> {State.QUEUED};")
    lines += [_arrow(pair) for pair in pairs(graph)]
    return _HEAD + "\n".join(lines) + "\n}\n"


def _state(state: State) -> str:
    kind = _ENDS.get(state, EdgeKind.FLOW)
    double = ", peripheries=2" if state in _ENDS else ""
    return f'  {state} [color="{LIGHT.ink[kind]}", fillcolor="{LIGHT.fill[kind]}"{double}];'


def _arrow(pair: Pair) -> str:
    lines = (("  " if line.indent else "") + line.text for line in pair.lines)
    label = "".join(_escaped(line) + r"\l" for line in lines)
    ink = LIGHT.ink[pair.kind]
    return f'  {pair.source} -> {pair.target} [label="{label}", color="{ink}", fontcolor="{ink}"];'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
