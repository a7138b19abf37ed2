"""A graph read back from its canonical JSON, so that old and changed graphs can be drawn and replayed."""

import json
from collections.abc import Mapping
from typing import Any

from states.facts import Guard
from states.graph import Edge, Graph
from states.strategy import Row, Strategy
from states.vocabulary import AlertKind, ErrorClass, NoticeKind, Reason, Stage, State, Trigger


class GraphFileError(ValueError):
    """The text is not the canonical JSON of a graph; the message is one sentence."""


def graph_from_json(text: str) -> Graph:
    """The graph whose `canonical_json` this is; its digest is the same. Raises GraphFileError."""
    try:
        data = json.loads(text)
        strategy = _strategy(data["strategy"])
        graph = Graph(strategy, tuple(_edge(edge, strategy) for edge in data["edges"]))
        same = json.loads(graph.canonical_json()) == data
    except json.JSONDecodeError as error:
        raise GraphFileError(f"not JSON ({error.msg}, line {error.lineno})") from error
    except KeyError as error:
        raise GraphFileError(f"not a graph: {error.args[0]!r} is missing or has no strategy row") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise GraphFileError(f"not a graph of this program: {error}") from error
    if not same:
        raise GraphFileError("a graph of other states or fields than this program knows")
    return graph


def _strategy(data: Mapping[str, Any]) -> Strategy:
    return Strategy(
        rows=tuple(_row(row) for row in data["rows"]),
        paid_tasks=data["paid_tasks"],
        deadline_s=data["deadline_s"],
        video_life_s=data["video_life_s"],
        patience_s=data["patience_s"],
    )


def _row(data: Mapping[str, Any]) -> Row:
    words = {
        "reason": Reason(data["reason"]),
        "stage": Stage(data["stage"]),
        "cls": ErrorClass(data["cls"]),
        "ends": NoticeKind(data["ends"]),
        "told": NoticeKind(data["told"]) if data["told"] else None,
        "alert": AlertKind(data["alert"]) if data["alert"] else None,
        "alert_end": AlertKind(data["alert_end"]) if data["alert_end"] else None,
        "delays_s": tuple(data["delays_s"]),
    }
    return Row(**{**data, **words})


def _edge(data: Mapping[str, str], strategy: Strategy) -> Edge:
    source = State(data["from"])
    stage = Stage.SENDING if source is State.SENDING else Stage.GENERATING
    row = strategy.by_key[(stage, Reason(data["reason"]))] if data["reason"] else None
    return Edge(
        id=data["id"],
        source=source,
        trigger=Trigger(data["trigger"]),
        target=State(data["to"]),
        guard=Guard(data["guard"]),
        row=row,
    )
