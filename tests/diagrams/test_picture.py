import re
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from diagrams.elk import place
from diagrams.geometry import covered_lines, crowded_lines, overlaps
from diagrams.labels import MARKS, pairs
from diagrams.layout import Box, Layout, NoLayoutError, Point, find_layout, layout_from
from diagrams.metrics import LINE_PX, STATE_PX, has_glyph, width
from diagrams.png import NoPainterError, png
from diagrams.scene import scene, scene_of
from diagrams.svg import ThemeName, paint
from diagrams.theme import DARK, LIGHT, Theme
from states.graph import GRAPH, EdgeKind, Graph
from states.vocabulary import State

SVG = "{http://www.w3.org/2000/svg}"
LAYOUT = find_layout(scene(GRAPH))


def _tree(theme: ThemeName = "light") -> ET.Element:
    return ET.fromstring(paint(GRAPH, theme=theme))  # noqa: S314 - our own output


def test_no_box_covers_another() -> None:
    assert overlaps(LAYOUT) == []


def test_no_line_runs_through_a_label_or_a_strange_state() -> None:
    assert covered_lines(LAYOUT) == []


def test_no_two_arrows_run_on_top_of_each_other() -> None:
    assert crowded_lines(LAYOUT) == 0


def test_words_fit_their_boxes() -> None:
    for pair in pairs(GRAPH):
        box = LAYOUT.labels[pair.key]
        assert max(line.width_px for line in pair.lines) + 4 <= box.width
        assert len(pair.lines) * LINE_PX <= box.height
    for state, box in LAYOUT.states.items():
        assert width(state.value, STATE_PX, bold=True) + 20 <= box.width


def test_picture_has_the_width_of_a_page_and_the_shape_of_a_sheet() -> None:
    root = _tree()
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    assert wide <= 1000
    assert high / wide <= 1.5


def test_arrows_leave_and_reach_their_states() -> None:
    for pair in pairs(GRAPH):
        points = LAYOUT.arrows[pair.key]
        assert _touches(LAYOUT.states[pair.source], points[0]), pair.key
        assert _touches(LAYOUT.states[pair.target], points[-1]), pair.key


def _touches(box: Box, point: Point) -> bool:
    near = Box(point.x - 0.6, point.y - 0.6, 1.2, 1.2)
    return box.overlaps(near)


def test_every_edge_stands_on_exactly_one_rule_and_one_arrow() -> None:
    root = _tree()
    for name in ("rule", "arrow", "label"):
        groups = [g for g in root.iter(f"{SVG}g") if name in g.attrib.get("class", "").split()]
        ids = [edge for group in groups for edge in group.attrib["data-edges"].split()]
        assert sorted(ids) == sorted(GRAPH.by_id), name


def test_states_and_arrows_carry_their_names_for_a_page() -> None:
    root = _tree()
    groups = list(root.iter(f"{SVG}g"))
    assert {g.attrib["data-state"] for g in groups if "data-state" in g.attrib} == {s.value for s in State}
    moves = {(g.attrib["data-from"], g.attrib["data-to"]) for g in groups if "data-from" in g.attrib}
    assert moves == {(edge.source.value, edge.target.value) for edge in GRAPH.edges}


def test_text_stays_text() -> None:
    words = " ".join("".join(text.itertext()) for text in _tree().iter(f"{SVG}text"))
    for edge in GRAPH.edges:
        assert edge.row is None or edge.row.reason.value in words
    assert all(state.value in words for state in State)


def test_every_character_has_a_glyph_in_the_vendored_font() -> None:
    text = "".join(line.text for pair in pairs(GRAPH) for line in pair.lines) + "".join(MARKS)
    assert {char for char in text if not has_glyph(char)} == set()


def test_terminals_are_double_lined_and_nothing_else() -> None:
    doubled = {
        group.attrib["data-state"]
        for group in _tree().iter(f"{SVG}g")
        if any(rect.attrib.get("class") == "inner" for rect in group.iter(f"{SVG}rect"))
    }
    assert doubled == {"done", "refunded", "failed"}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read_on_their_ground(theme: Theme) -> None:
    for kind in EdgeKind:
        assert _contrast(theme.ink[kind], theme.paper) >= 4.5, kind
        assert _contrast(theme.badge_text, theme.ink[kind]) >= 4.5, kind
        assert _contrast(theme.ink[kind], theme.fill[kind]) >= 4.5, kind
    assert _contrast(theme.dim, theme.paper) >= 4.5
    assert _contrast(theme.text, theme.box) >= 7


def _contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_auto_theme_carries_both_and_fixed_themes_one() -> None:
    both = paint(GRAPH, theme="auto")
    assert "prefers-color-scheme:dark" in both
    assert LIGHT.ink[EdgeKind.RETRY] in both
    assert DARK.ink[EdgeKind.RETRY] in both
    assert DARK.ink[EdgeKind.RETRY] not in paint(GRAPH)


# --- layouts and extras -------------------------------------------------------------------------


@pytest.mark.usefixtures("without_extras")
def test_committed_layout_paints_without_extras() -> None:
    assert paint(GRAPH).startswith("<svg")


@pytest.mark.usefixtures("without_extras")
def test_new_structure_without_the_engine_is_one_clear_sentence() -> None:
    smaller = Graph(GRAPH.strategy, GRAPH.edges[:6])
    with pytest.raises(NoLayoutError, match=r"pip install 'reelstate\[diagrams\]'"):
        paint(smaller)


@pytest.mark.usefixtures("without_extras")
def test_png_without_the_renderer_is_one_clear_sentence() -> None:
    with pytest.raises(NoPainterError, match="pip install"):
        png(paint(GRAPH))


def test_engine_places_a_new_structure() -> None:
    few = scene_of(pairs(Graph(GRAPH.strategy, GRAPH.edges[:7])))
    layout = place(few)
    assert overlaps(layout) == []
    assert covered_lines(layout) == []
    assert layout == place(few)


def test_layout_file_reads_back_the_same() -> None:
    again: Layout = layout_from(LAYOUT.as_json())
    assert again == LAYOUT


def test_digest_of_the_scene_ignores_what_layout_does_not_need() -> None:
    changed = GRAPH.strategy.changed(*GRAPH.strategy.rows[0].key, jitter=0.1)
    from states.graph import build_graph  # noqa: PLC0415 - used once

    assert scene(build_graph(changed)).digest == scene(GRAPH).digest


def test_words_are_visible_in_the_png() -> None:
    image = Image.open(BytesIO(png(paint(GRAPH), zoom=1))).convert("L")
    for key, box in LAYOUT.labels.items():
        area = image.crop((int(box.x), int(box.y), int(box.x + box.width), int(box.y + box.height)))
        dark = sum(area.histogram()[:160])
        lines = next(len(pair.lines) for pair in pairs(GRAPH) if pair.key == key)
        assert dark > 25 * lines, key


def test_png_has_the_size_it_was_asked_for() -> None:
    svg = paint(GRAPH)
    wide = float(re.findall(r'width="([\d.]+)"', svg)[0])
    assert Image.open(BytesIO(png(svg, zoom=0.5))).width == pytest.approx(wide / 2, abs=1)
