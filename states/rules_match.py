"""How a text rule is written and found.

A text is first made plain: `CONTENT_POLICY_BLOCKED`, `ContentPolicyBlocked` and `content-policy: blocked`
all become the words `content policy blocked`. A rule is a few phrases over such words, so that one family
of words takes wordings nobody has seen yet, and no phrase ever matches inside another word.

Notation of a phrase: words apart by one space · `stem~` any ending · `(a|b)` one of · `..` up to about
50 characters between · `{name}` a word family of the rule set · `@` marks the rarest word of the phrase:
a text without such a word never runs the rule's pattern. Texts of Chinese have no word breaks; each rule
may hold one plain regular expression for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from states.vocabulary import ErrorClass, Label, Reason

_PLAIN_LIMIT = 1500
"""Characters of a text that are read: error texts are short, HTML pages are not worth more."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\da-zA-Z_]+")
_LATIN_WORDS = re.compile(r"[a-z]+|[0-9]+")
_HAS_CHINESE = re.compile(r"[一-鿿]").search
_ANCHOR = re.compile(r"@(\([^()]*\)|\{\w+\}|[^\s@()|]+)")
_HEAD = re.compile(r"(\([^()]*\)|\{\w+\}|[^\s@()|]+)(?!\?)")
_LETTERS = re.compile(r"[a-z0-9а-я]+")
_KEY = 3
"""Letters of a word that the index looks at."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a rule table: what a text that fits means.

    `lost` marks wordings of a call whose answer never came, so that a create or a send may have arrived.
    `label` is set where the class alone does not say what the Telegram adapter must do.
    """

    id: str
    cls: ErrorClass
    reason: Reason
    phrases: tuple[str, ...] = ()
    chinese: str = ""
    lost: bool = False
    label: Label | None = None


def plain(text: str) -> str:
    """The words of a text, lower case, one space between and around them; CamelCase and snake_case cut."""
    text = text[:_PLAIN_LIMIT]
    if text.islower() and text.isascii():
        return f" {' '.join(_LATIN_WORDS.findall(text))} "
    words = " ".join(_WORDS.findall(text)).lower()
    if not text.isascii():
        words = words.replace("ё", "е")
    return f" {words} "


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in order of priority, with an index from the first letters of words to the rules they may fit."""

    rules: tuple[Rule, ...]
    _patterns: tuple[re.Pattern[str], ...] = field(repr=False)
    _index: Mapping[str, int] = field(repr=False)
    _chinese: int = field(repr=False)

    def find(self, words: str) -> Rule | None:
        """The first rule that fits text made `plain`, or None."""
        index = self._index
        mask = 0
        for word in words.split():
            hit = index.get(word[:_KEY])
            if hit:
                mask |= hit
        if self._chinese and not words.isascii() and _HAS_CHINESE(words):
            mask |= self._chinese
        while mask:
            bit = mask & -mask
            number = bit.bit_length() - 1
            if self._patterns[number].search(words):
                return self.rules[number]
            mask ^= bit
        return None

    def scan(self, words: str) -> Rule | None:
        """The same answer without the index: tests prove the two equal."""
        for rule, pattern in zip(self.rules, self._patterns, strict=True):
            if pattern.search(words):
                return rule
        return None


def build(rules: tuple[Rule, ...], families: Mapping[str, str]) -> RuleSet:
    """Compile rules once, at import. Raises ValueError on a phrase whose anchor cannot be indexed."""
    index: dict[str, int] = {}
    chinese = 0
    patterns = []
    for number, rule in enumerate(rules):
        for key in (key for phrase in rule.phrases for key in _keys(phrase, families)):
            index[key] = index.get(key, 0) | 1 << number
        if rule.chinese:
            chinese |= 1 << number
        parts = [_pattern(phrase, families) for phrase in rule.phrases]
        latin = f" (?:{'|'.join(parts)}) " if parts else ""
        patterns.append(re.compile("|".join(part for part in (latin, rule.chinese) if part)))
    return RuleSet(rules, tuple(patterns), index, chinese)


def _pattern(phrase: str, families: Mapping[str, str]) -> str:
    """A phrase as a regular expression over plain words."""
    text = _expand(phrase.replace("@", ""), families)
    return text.replace("~", r"\w*").replace(" .. ", r" (?:.{0,50}? )??")


def _expand(phrase: str, families: Mapping[str, str]) -> str:
    for _ in range(3):  # families may name families
        phrase = re.sub(r"\{(\w+)\}", lambda found: f"({families[found[1]]})", phrase)
    return re.sub(r"\((?!\?)", "(?:", phrase)


def _keys(phrase: str, families: Mapping[str, str]) -> set[str]:
    """First letters of the words of which one must be in any text that the phrase takes."""
    found = _ANCHOR.search(phrase) or _HEAD.match(phrase)
    if found is None:
        raise ValueError(f"the phrase {phrase!r} begins with something optional: mark its rarest word with @")
    anchor = found[1]
    options = _expand(anchor, families).replace("(?:", "").replace(")", "").split("|")
    keys = set()
    for option in options:
        letters = _LETTERS.match(option)
        if letters is None or (len(letters[0]) < _KEY and option[len(letters[0]) :][:1] not in ("", " ")):
            raise ValueError(f"the anchor {option!r} of the phrase {phrase!r} has no {_KEY} sure letters")
        keys.add(letters[0][:_KEY])
    return keys


def verdict_of(rule: Rule) -> tuple[ErrorClass, Reason, str]:
    """A rule's answer as the fields of a verdict."""
    return rule.cls, rule.reason, rule.id
