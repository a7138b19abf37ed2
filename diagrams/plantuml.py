"""PlantUML: a state diagram with coloured arrows."""

from diagrams.labels import Pair, pairs
from diagrams.theme import LIGHT
from states.graph import EdgeKind, Graph
from states.vocabulary import State

_ENDS = {State.DONE: EdgeKind.DONE, State.REFUNDED: EdgeKind.REFUND, State.FAILED: EdgeKind.FAILURE}
_MARKUP = ("~", "**", "//", '""', "--", "__", "\\")
"""Creole would read these as formatting; a tilde switches that off."""


def plantuml(graph: Graph) -> str:
    """The graph as PlantUML text."""
    lines = ["@startuml", "hide empty description", f"[*] --> {State.QUEUED}"]
    lines += [f"state {state} {LIGHT.fill[kind]}" for state, kind in _ENDS.items()]
    lines += [_arrow(pair) for pair in pairs(graph)]
    lines += [f"{state} --> [*]" for state in _ENDS]
    return "\n".join([*lines, "@enduml"]) + "\n"


def _arrow(pair: Pair) -> str:
    label = r"\l".join(("  " if line.indent else "") + _escaped(line.text) for line in pair.lines) + r"\l"
    return f"{pair.source} -[{LIGHT.ink[pair.kind]}]-> {pair.target} : {label}"


def _escaped(text: str) -> str:
    for markup in _MARKUP:
        text = text.replace(markup, f"~{markup}")
    return text
