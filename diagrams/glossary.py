"""The words of the graph as Markdown tables: only those that the graph really uses."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from diagrams.labels import MARKS
from diagrams.words import ALERTS, CLASSES, NOTICES, REASONS, STATES, TRIGGERS, Language, Meaning
from states.graph import Graph
from states.vocabulary import AlertKind, NoticeKind, State

Word = TypeVar("Word", bound=StrEnum)

_HEADS: dict[Language, tuple[str, ...]] = {
    "en": ("state", "trigger", "class", "reason", "notice", "alert", "mark"),
    "ru": ("состояние", "событие", "класс", "причина", "сообщение", "тревога", "знак"),
}
_MEANS: dict[Language, str] = {"en": "means", "ru": "значит"}
_MARKS_RU = (
    "повтор (сколько раз, задержки)",
    "узнаёт пользователь",
    "кредиты возвращаются",
    "узнаёт оператор",
)
_ALWAYS = frozenset({NoticeKind.STATUS, NoticeKind.BELL, NoticeKind.LATE_VIDEO, NoticeKind.CANCELLED})
"""Notices of every graph; the others hang on rows."""


def glossary(graph: Graph, language: Language = "en") -> str:
    """One table a kind of word."""
    rows, heads = graph.strategy.rows, _HEADS[language]
    notices = {NoticeKind.EXPIRED, *_ALWAYS, *(n for row in rows for n in (row.told, row.ends) if n)}
    alerts = {AlertKind.LATE_COST, *(a for row in rows for a in (row.alert, row.alert_end) if a)}
    tables = [
        _table(heads[0], STATES, set(State), language),
        _table(heads[1], TRIGGERS, {edge.trigger for edge in graph.edges}, language),
        _table(heads[2], CLASSES, {row.cls for row in rows}, language),
        _table(heads[3], REASONS, {row.reason for row in rows}, language),
        _table(heads[4], NOTICES, notices, language),
        _table(heads[5], ALERTS, alerts, language),
        _lines(heads[6], language, zip(MARKS, _marks(language), strict=True)),
    ]
    return "\n".join(tables)


def _table(head: str, meanings: Mapping[Word, Meaning], used: Collection[Word], language: Language) -> str:
    """One line a used word, in the vocabulary's order."""
    words = ((f"`{word}`", meaning[language]) for word, meaning in meanings.items() if word in used)
    return _lines(head, language, words)


def _marks(language: Language) -> tuple[str, ...]:
    return _MARKS_RU if language == "ru" else tuple(MARKS.values())


def _lines(head: str, language: Language, words: Iterator[tuple[str, str]]) -> str:
    rows = (f"| {word} | {meaning} |" for word, meaning in words)
    return "\n".join([f"| {head} | {_MEANS[language]} |", "|---|---|", *rows]) + "\n"
