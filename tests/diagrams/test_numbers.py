"""The numbers painted over the picture: each at its place, none outside its own box."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from diagrams.boxes import state_notes
from diagrams.layout import Box, find_layout
from diagrams.metrics import width
from diagrams.overlay import Change, Overlay, Stay, Step
from diagrams.scene import scene
from states.graph import GRAPH
from states.vocabulary import State
from tests.diagrams.test_overlays import SVG, _group, _groups

LOADED = Overlay(
    counts={edge.id: 123_456 for edge in GRAPH.edges},
    times={state: Stay(251_000, 546_000, 9) for state in State},
    money={edge.id: -987_654 for edge in GRAPH.edges if edge.money is not None},
    errors={state.value: 1_234 for state in State},
)
PLACES = find_layout(scene(GRAPH))


@pytest.mark.parametrize("over", [LOADED, replace(LOADED, fired=frozenset())], ids=["traffic", "coverage"])
def test_nothing_painted_over_leaves_its_own_box(over: Overlay) -> None:
    boxes = {state.value: box for state, box in PLACES.states.items()}
    for group in _groups(over):
        if "data-state" in group.attrib:
            _inside(group, boxes[group.attrib["data-state"]], centred=True)
        elif group.attrib.get("class", "").startswith("label "):
            key = f"{group.attrib['data-from']}-{group.attrib['data-to']}"
            for rect in group.iter(f"{SVG}rect"):
                assert float(rect.attrib["x"]) + float(rect.attrib["width"]) <= _right(PLACES.labels[key]), (
                    key
                )
            _inside(group, PLACES.labels[key], centred=False)


def _inside(group: ET.Element, box: Box, *, centred: bool) -> None:
    for text in group.iter(f"{SVG}text"):
        name = text.attrib.get("class", "")
        if name not in ("note", "tally"):
            continue
        wide = width(text.text or "", 9 if name == "note" else 9.5, bold=name == "tally")
        x, y = float(text.attrib["x"]) - (wide / 2 if centred else 0), float(text.attrib["y"])
        assert box.x <= x, text.text
        assert x + wide <= _right(box), text.text
        assert box.y < y < box.y + box.height, text.text


def _right(box: Box) -> float:
    return box.x + box.width + 0.1


def test_a_rule_has_its_own_number_where_an_arrow_has_several() -> None:
    over = Overlay(
        counts={"generating/error/network": 5, "generating/error/overloaded": 4, "queued/start": 9}
    )
    label = _group(over, "label", "generating", "retry_wait")
    assert [t.text for t in label.iter(f"{SVG}text") if t.attrib.get("class") == "tally"] == ["9"]
    (title,) = label.iter(f"{SVG}title")
    assert title.text == "generating/error/overloaded: 4\ngenerating/error/network: 5"
    alone = _group(over, "label", "queued", "generating")
    assert [t for t in alone.iter(f"{SVG}text") if t.attrib.get("class") == "tally"] == []


def test_a_step_stands_beside_the_rule_it_took() -> None:
    over = Overlay(
        path=(
            Step(2, State.GENERATING, State.RETRY_WAIT, "generating/error/network"),
            Step(4, State.GENERATING, State.RETRY_WAIT, "generating/error/unknown"),
            Step(6, State.GENERATING, State.RETRY_WAIT, "generating/error/network"),
        )
    )
    label = _group(over, "label", "generating", "retry_wait")
    assert [t.text for t in label.iter(f"{SVG}text") if t.attrib.get("class") == "tally"] == ["2,6", "4"]


def test_a_changed_rule_carries_its_traffic() -> None:
    over = Overlay(changes={"generating/expire": Change.CHANGED}, counts={"generating/expire": 7})
    label = _group(over, "label", "generating", "refunded")
    assert [t.text for t in label.iter(f"{SVG}text") if t.attrib.get("class") == "tally"] == ["7×"]


def test_times_are_shortened_where_the_box_is_narrow() -> None:
    over = Overlay(times={State.SENDING: Stay(251_000, 546_000)}, errors={"sending": 3})
    assert state_notes(State.SENDING, over) == ["p50 4.2 min · p95 9.1 min", "3 refused"]
    assert state_notes(State.SENDING, over, 90) == ["4.2 min · 9.1 min", "3 refused"]
    assert state_notes(State.SENDING, over, 58) == ["p95 9.1 min", "3 refused"]


def test_a_number_without_room_behind_its_rule_stands_under_the_block() -> None:
    over = Overlay(counts={"sending/error/send_unknown": 402, "sending/error/network": 5})
    label = _group(over, "label", "sending", "retry_wait")
    tallies = [t.text for t in label.iter(f"{SVG}text") if t.attrib.get("class") == "tally"]
    assert tallies == ["5", "send_unknown 402"]


def test_what_finds_no_room_under_the_block_either_leaves_a_sign() -> None:
    names = ("storage_lost", "worker_lost", "send_unknown")
    over = Overlay(counts={f"sending/error/{name}": 402 for name in names})
    label = _group(over, "label", "sending", "retry_wait")
    (tally,) = (t.text for t in label.iter(f"{SVG}text") if t.attrib.get("class") == "tally")
    assert tally == "storage_lost 402 · worker_lost 402 · …"
