import re
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from diagrams.dot import dot
from diagrams.glossary import glossary
from diagrams.labels import pairs
from diagrams.mermaid import mermaid
from diagrams.plantuml import plantuml
from diagrams.scxml import CONDITIONS, NAMESPACE, event_name, scxml
from diagrams.tables import full_table, strategy_table
from diagrams.words import ALERTS, CLASSES, NOTICES, REASONS, STATES, TRIGGERS, Language
from states.facts import Facts, holds, may_retry
from states.graph import GRAPH, Edge
from states.validate import sample_facts
from states.vocabulary import AlertKind, ErrorClass, NoticeKind, Reason, Stage, State, Trigger

SCXML = "{http://www.w3.org/2005/07/scxml}"
PAIRS = {(pair.source.value, pair.target.value) for pair in pairs(GRAPH)}


def test_mermaid_has_one_arrow_a_pair_and_pinned_looks() -> None:
    text = mermaid(GRAPH)
    arrows = re.findall(r"^    (\w+) --> (\w+) : ", text, re.MULTILINE)
    assert set(arrows) == PAIRS
    assert len(arrows) == len(PAIRS)
    assert "layout: dagre" in text
    assert "    [*] --> queued" in text
    assert all(f"    {end} --> [*]" in text for end in ("done", "refunded", "failed"))


def test_mermaid_labels_hold_nothing_its_grammar_would_read() -> None:
    for line in mermaid(GRAPH).splitlines():
        if " : " in line:
            label = line.split(" : ", 1)[1].replace("<br>", "")
            assert not set(re.sub(r"#\w+;", "", label)) & set(':;"<>')


def test_dot_and_plantuml_have_every_arrow() -> None:
    assert set(re.findall(r"^  (\w+) -> (\w+) \[", dot(GRAPH), re.MULTILINE)) == PAIRS
    assert set(re.findall(r"^(\w+) -\[#\w+\]-> (\w+) : ", plantuml(GRAPH), re.MULTILINE)) == PAIRS
    assert dot(GRAPH).count('"') % 2 == 0


def test_scxml_has_every_edge_as_a_transition() -> None:
    root = ET.fromstring(scxml(GRAPH))  # noqa: S314 - our own output
    found = {
        (state.attrib["id"], move.attrib["event"], move.attrib["target"], move.attrib[f"{{{NAMESPACE}}}edge"])
        for state in root.iter(f"{SCXML}state")
        for move in state.iter(f"{SCXML}transition")
    }
    assert found == {(e.source.value, event_name(e), e.target.value, e.id) for e in GRAPH.edges}
    assert {final.attrib["id"] for final in root.iter(f"{SCXML}final")} == {"done", "refunded", "failed"}


@pytest.mark.parametrize("edge", GRAPH.edges, ids=[edge.id for edge in GRAPH.edges])
def test_scxml_conditions_mean_what_the_guards_mean(edge: Edge) -> None:
    for facts in sample_facts(edge.trigger, edge):
        assert _true(CONDITIONS[edge.guard], facts, edge) is holds(edge.guard, facts, edge.row)


def _true(condition: str, facts: Facts, edge: Edge) -> bool:
    values = SimpleNamespace(
        held=facts.held,
        video_exists=facts.has_video,
        may_retry=edge.row is not None and may_retry(facts, edge.row),
        back_to_sending=facts.return_stage == Stage.SENDING,
        costless=facts.costless,
    )
    terms = (term.split(" == ") for term in condition.split(" && ") if term)
    return all(int(getattr(values, name)) == int(value) for name, value in terms)


def test_every_word_is_explained_in_both_languages() -> None:
    for vocabulary, meanings in (
        (State, STATES),
        (Trigger, TRIGGERS),
        (ErrorClass, CLASSES),
        (Reason, REASONS),
        (NoticeKind, NOTICES),
        (AlertKind, ALERTS),
    ):
        assert set(vocabulary) == set(meanings)
        assert all(meaning[language] for meaning in meanings.values() for language in ("en", "ru"))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_tables_hold_every_reason_and_are_whole(language: Language) -> None:
    for text in (strategy_table(GRAPH, language), glossary(GRAPH, language)):
        assert all(f"`{row.reason}`" in text for row in GRAPH.strategy.rows)
    rows = [line for line in strategy_table(GRAPH, language).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {8}


def test_strategy_table_joins_rows_that_are_alike() -> None:
    lines = [line for line in strategy_table(GRAPH).splitlines() if line.startswith("| `")]
    assert len(lines) < len(GRAPH.strategy.rows) / 2
    (both,) = (line for line in lines if "`corrupted_video`" in line)
    assert "| both |" in both
    assert "`video_rejected` (sending)" in both


def test_full_table_has_a_line_a_row_and_every_strategy_edge() -> None:
    text = full_table(GRAPH)
    assert text.count("\n") == len(GRAPH.strategy.rows) + 2
    assert all(f"`{edge.id}`" in text for edge in GRAPH.edges if edge.row is not None)


def test_tables_follow_the_numbers() -> None:
    row = GRAPH.strategy.rows[0]
    from states.graph import build_graph  # noqa: PLC0415 - used once

    changed = build_graph(GRAPH.strategy.changed(*row.key, retries=9, delays_s=(7,)))
    assert "| 9 (7 s) |" in strategy_table(changed)
