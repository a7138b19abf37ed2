import re
from collections.abc import Iterator
from importlib.resources import files

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from bot.texts import LANGUAGES, Html, UnknownTextError, clip, language_of, load_texts
from tests.bot.words import NASTY, visible


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.refers: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802  (the library's name)
        self.names.add(node.id.name)

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802
        self.refers.add(node.id.name)


def _messages(lang: str) -> Iterator[ast.Message]:
    source = (files("bot.texts") / f"{lang}.ftl").read_text(encoding="utf-8")
    for entry in FluentParser().parse(source).body:
        assert not isinstance(entry, ast.Junk), entry.content
        if isinstance(entry, ast.Message):
            yield entry


def _variables(pattern: ast.Pattern | None) -> tuple[frozenset[str], frozenset[str]]:
    visitor = _Variables()
    visitor.visit(pattern)
    return frozenset(visitor.names), frozenset(visitor.refers)


def _shape(lang: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    shape = {}
    for message in _messages(lang):
        assert message.id.name not in shape, f"{message.id.name} twice in {lang}.ftl"
        shape[message.id.name] = _variables(message.value)
        for attribute in message.attributes:
            shape[f"{message.id.name}.{attribute.id.name}"] = _variables(attribute.value)
    return shape


def test_both_languages_have_equal_keys_and_variables() -> None:
    assert _shape("ru") == _shape("en")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 21, 1000])
def test_every_text_builds_with_its_variables(lang: str, n: int) -> None:
    shape = _shape(lang)
    numbers = {"n", "balance", "credits", "trial", "held", "place", "low", "high", "side", "count", "length"}
    for key, (names, refers) in shape.items():
        every = set(names).union(*(shape[r][0] for r in refers))
        values = {name: n if name in numbers else NASTY for name in every}
        text = load_texts().say(lang, key, **values)
        assert text.strip()
        visible(text)


def test_russian_speaks_with_one_voice() -> None:
    source = (files("bot.texts") / "ru.ftl").read_text(encoding="utf-8")
    familiar = r"\b(?:ты|тебя|тебе|твой|твоё|твои|попробуй|пришли|покажи|нажми|напиши|жди|отправь)\b"
    assert re.findall(familiar, source, re.IGNORECASE) == []


@pytest.mark.parametrize(
    ("n", "words"),
    [(1, "1 кредит"), (2, "2 кредита"), (5, "5 кредитов"), (11, "11 кредитов"), (21, "21 кредит")],
)
def test_russian_plurals(n: int, words: str) -> None:
    assert load_texts().credits("ru", n) == words


def test_strings_are_escaped_and_markup_is_not() -> None:
    texts = load_texts()
    assert "&lt;b&gt;&amp;" in texts.say("en", "wishes-photo-first", wishes="<b>&")
    assert "<b>&amp;" in texts.say("en", "wishes-photo-first", wishes=Html("<b>&amp;"))


def test_long_values_and_values_that_look_like_marks_stay_as_they_are() -> None:
    text = "&" * 3000 + "\ue000price\ue000"
    shown = load_texts().say("ru", "price-and-missing", missing=text, price="4", balance=1)
    assert shown.count("&amp;") == 3000
    assert shown.count("\ue000price\ue000") == 1


def test_no_invisible_isolation_marks() -> None:
    text = load_texts().say("ru", "price-and-missing", missing="3", price="4", balance=1)
    assert not set(text) & {"\u2068", "\u2069"}


def test_a_missing_key_or_variable_is_named() -> None:
    with pytest.raises(UnknownTextError, match="no-such-key"):
        load_texts().say("ru", "no-such-key")
    with pytest.raises(UnknownTextError, match="credits"):
        load_texts().say("ru", "credits")


@pytest.mark.parametrize(
    ("code", "lang"),
    [
        ("ru", "ru"),
        ("ru-RU", "ru"),
        ("en", "en"),
        ("pt-br", "en"),
        ("zh_hans", "en"),
        (None, "ru"),
        ("", "ru"),
    ],
)
def test_language_codes_fall_back(code: str | None, lang: str) -> None:
    assert language_of(code) == lang


def test_long_user_text_is_clipped_visibly() -> None:
    assert clip("x" * 5000) == "x" * 299 + "…"
    assert clip("short") == "short"
