"""SCXML (W3C): every edge a transition of its own, guards as conditions over five named facts.

What SCXML has no word for (edge id, class, retries, delays, notices) stands in attributes of our own
namespace, which readers ignore.
"""

from collections.abc import Iterator
from types import MappingProxyType

from diagrams.markup import element
from states.facts import Guard
from states.graph import Edge, Graph
from states.vocabulary import TERMINALS, State, Trigger

NAMESPACE = "urn:reelstate:strategy"

CONDITIONS = MappingProxyType(
    {
        Guard.ALWAYS: "",
        Guard.VIDEO_EXISTS: "video_exists == 1",
        Guard.NO_VIDEO: "video_exists == 0",
        Guard.HELD: "held == 1",
        Guard.FREE: "held == 0",
        Guard.MAY_RETRY: "may_retry == 1",
        Guard.GIVE_UP_HELD: "may_retry == 0 && held == 1",
        Guard.GIVE_UP_FREE: "may_retry == 0 && held == 0",
        Guard.BACK_TO_GENERATING: "back_to_sending == 0",
        Guard.BACK_TO_SENDING: "back_to_sending == 1",
        Guard.COSTLESS_HELD: "costless == 1 && held == 1",
        Guard.COSTLESS_FREE: "costless == 1 && held == 0",
    }
)
"""Each guard over the facts below."""

_FACTS = MappingProxyType(
    {
        "held": "1",
        "video_exists": "0",
        "may_retry": "1",
        "back_to_sending": "0",
        "costless": "1",
    }
)


def scxml(graph: Graph) -> str:
    """The graph as an SCXML document (data model: ecmascript)."""
    root = {
        "xmlns": "http://www.w3.org/2005/07/scxml",
        "xmlns:r": NAMESPACE,
        "version": "1.0",
        "datamodel": "ecmascript",
        "name": "reelstate",
        "initial": State.QUEUED.value,
        "r:digest": graph.digest,
    }
    data = (element("data", {"id": name, "expr": value}) for name, value in _FACTS.items())
    facts = element("datamodel", {}, "".join(f"\n    {item}" for item in data) + "\n  ")
    body = "".join(f"\n  {item}" for item in (facts, *(_state(state, graph) for state in State)))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + element("scxml", root, body + "\n") + "\n"


def _state(state: State, graph: Graph) -> str:
    if state in TERMINALS:
        return element("final", {"id": state.value})
    moves = "".join(f"\n    {_transition(edge)}" for edge in graph.edges if edge.source is state)
    return element("state", {"id": state.value}, moves + "\n  ")


def event_name(edge: Edge) -> str:
    """`start`, or `error.rate_limited`: SCXML matches events by their dotted prefix."""
    return f"{edge.trigger}.{edge.reason}" if edge.trigger is Trigger.ERROR else edge.trigger.value


def _transition(edge: Edge) -> str:
    attributes = {
        "event": event_name(edge),
        "cond": CONDITIONS[edge.guard],
        "target": edge.target.value,
        "r:edge": edge.id,
        **dict(_policy(edge)),
    }
    return element("transition", attributes)


def _policy(edge: Edge) -> Iterator[tuple[str, str]]:
    if edge.money is not None:
        yield "r:credits", edge.money.value
    row = edge.row
    if row is None:
        return
    yield "r:class", row.cls.value
    if edge.target is State.RETRY_WAIT:
        yield "r:retries", "until-deadline" if row.retries is None else str(row.retries)
        yield "r:delays", " ".join(f"{delay:g}s" for delay in row.delays_s)
        yield "r:told", row.told.value if row.told else ""
    else:
        yield "r:told", row.ends.value
