"""Graphs by digest: each record is judged by the graph version it was made with."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.codec import decode
from engine.replay.values import ReplayError
from states.facts import Guard
from states.graph import GRAPH, Edge, Graph
from states.machine import JUDGE, Judge
from states.strategy import Row, Strategy
from states.vocabulary import AlertKind, ErrorClass, NoticeKind, Reason, Stage, State, Trigger


def strategy_of(data: Mapping[str, Any]) -> Strategy:
    """The strategy that `Strategy.as_data` wrote. Raises ReplayError for words nobody knows."""
    numbers = {name: value for name, value in data.items() if name != "rows"}
    try:
        return Strategy(rows=tuple(row_of(row) for row in data["rows"]), **numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise ReplayError(
            f"The graph's strategy cannot be read ({error}): it is from another version."
        ) from error


def row_of(data: Mapping[str, Any]) -> Row:
    """One strategy row from plain data. ValueError, TypeError for what it cannot hold."""
    alert, alert_end, told = data.get("alert"), data.get("alert_end"), data.get("told")
    given = {
        **data,
        "reason": Reason(data["reason"]),
        "stage": Stage(data["stage"]),
        "cls": ErrorClass(data["cls"]),
        "ends": NoticeKind(data["ends"]),
        "delays_s": tuple(data.get("delays_s", ())),
        "told": NoticeKind(told) if told else None,
        "alert": AlertKind(alert) if alert else None,
        "alert_end": AlertKind(alert_end) if alert_end else None,
    }
    return Row(**given)


def graph_of(data: Mapping[str, Any]) -> Graph:
    """The graph that `Graph.canonical_json` wrote. Raises ReplayError."""
    try:
        strategy = strategy_of(data["strategy"])
        return Graph(strategy, tuple(_edge_of(edge, strategy) for edge in data["edges"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReplayError(
            f"This is not a graph of ours ({error}): give a file of `reelstate diagram`."
        ) from error


def _edge_of(data: Mapping[str, Any], strategy: Strategy) -> Edge:
    source, reason = State(data["from"]), data["reason"]
    stage = Stage.SENDING if source is State.SENDING else Stage.GENERATING
    row = strategy.by_key[stage, Reason(reason)] if reason else None
    return Edge(data["id"], source, Trigger(data["trigger"]), State(data["to"]), Guard(data["guard"]), row)


def parse_graph(raw: bytes | str, name: str) -> Graph:
    """A graph from the text of its canonical JSON. Raises ReplayError."""
    try:
        data = decode(raw)
    except ValueError as error:
        raise ReplayError(f"{name} is not JSON ({error}): give a graph file or a revision.") from error
    if not isinstance(data, dict) or "edges" not in data:
        raise ReplayError(f"{name} holds no graph: give the canonical JSON of one.")
    return graph_of(data)


class Shelf:
    """The graphs at hand. Today's own is always there."""

    def __init__(self, graphs: Iterable[Graph] = ()) -> None:
        self.judges: dict[str, Judge] = {GRAPH.digest: JUDGE}
        for graph in graphs:
            self.add(graph)

    def add(self, graph: Graph) -> None:
        """Know one more graph."""
        self.judges.setdefault(graph.digest, Judge(graph))

    def add_folder(self, folder: Path) -> None:
        """Know every graph of a folder of `*.json`. Files that hold something else are passed over."""
        for path in sorted(folder.glob("*.json")):
            raw = path.read_bytes()
            if b'"edges"' in raw and b'"strategy"' in raw:
                self.add(parse_graph(raw, str(path)))

    def judge(self, digest: str) -> Judge | None:
        """The judge of a graph version, None for a foreign one."""
        return self.judges.get(digest)
