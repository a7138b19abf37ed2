"""Runs in an environment of its own: pm4py replays our XES, python-statemachine drives our SCXML.

    python peers.py GRAPH_JSON XES SCXML WALKS_JSON

Imports nothing of ours, for pm4py is under another licence; prints what it found as one JSON object.
"""

import json
import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ENDS = ("done", "refunded", "failed")


class Net:
    """The graph as a Petri net: a place a state, a transition an edge, a silent end."""

    def __init__(self, edges: list[dict[str, str]]) -> None:
        self.kinds: Any = import_module("pm4py.objects.petri_net.obj")
        self.arcs: Any = import_module("pm4py.objects.petri_net.utils.petri_utils")
        self.net: Any = self.kinds.PetriNet("graph")
        self.places: dict[str, Any] = {}
        self.move("submit", "submit", "@start", "queued")
        for edge in edges:
            self.move(edge["id"], edge["id"], edge["from"], edge["to"])
        for state in ENDS:
            self.move(f"@{state}", None, state, "@end")

    def place(self, name: str) -> Any:
        """The place of a state."""
        if name not in self.places:
            self.places[name] = self.kinds.PetriNet.Place(name)
            self.net.places.add(self.places[name])
        return self.places[name]

    def move(self, name: str, label: str | None, source: str, target: str) -> None:
        """A transition between two places; without a label nobody sees it."""
        transition = self.kinds.PetriNet.Transition(name, label)
        self.net.transitions.add(transition)
        self.arcs.add_arc_from_to(self.place(source), transition, self.net)
        self.arcs.add_arc_from_to(transition, self.place(target), self.net)

    def marked(self, name: str) -> Any:
        """One token there."""
        return self.kinds.Marking({self.places[name]: 1})


def replayed(graph_file: str, xes_file: str) -> dict[str, Any]:
    """Token replay of every trace on the net."""
    pm4py: Any = import_module("pm4py")
    edges = json.loads(Path(graph_file).read_text(encoding="utf-8"))["edges"]
    net, log = Net(edges), pm4py.read_xes(xes_file)
    found = pm4py.fitness_token_based_replay(log, net.net, net.marked("@start"), net.marked("@end"))
    return {
        "version": version("pm4py"),
        "traces": int(log["case:concept:name"].nunique()),
        "events": len(log),
        "edges": len(set(log["concept:name"]) & {edge["id"] for edge in edges}),
        "fitness": found["log_fitness"],
        "fitting": found["percentage_of_fitting_traces"],
    }


def driven(scxml_file: str, walks: list[dict[str, list[str]]]) -> dict[str, Any]:
    """Where the machine stands after each event of each walk, and every transition it knows."""
    processors: Any = import_module("statemachine.io.scxml.processor")
    text = Path(scxml_file).read_text(encoding="utf-8")
    ways: list[list[str]] = []
    moves: list[list[str]] = []
    for walk in walks:
        processor = processors.SCXMLProcessor()
        processor.parse_scxml("graph", text)
        machine = processor.start()
        ways.append([_place(machine)])
        for event in walk["events"]:
            machine.send(event)
            ways[-1].append(_place(machine))
        moves = [[t.source.id, str(t.event), t.target.id] for s in machine.states for t in s.transitions]
    return {"version": version("python-statemachine"), "ways": ways, "moves": moves}


def _place(machine: Any) -> str:
    (state,) = machine.configuration_values
    return str(state)


def main() -> None:
    """Ask both."""
    warnings.filterwarnings("ignore")
    graph_file, xes_file, scxml_file, walks_file = sys.argv[1:]
    walks = json.loads(Path(walks_file).read_text(encoding="utf-8"))
    found = {"xes": replayed(graph_file, xes_file), "scxml": driven(scxml_file, walks)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
