"""How a text rule is written and found.

A text is first made plain: `CONTENT_POLICY_BLOCKED`, `ContentPolicyBlocked` and `content-policy: blocked`
all become the words `content policy blocked`, and `isn't` becomes `is not`. A rule is a few phrases over such
words, so that one family of words takes wordings nobody has seen yet, and no phrase ever matches inside
another word.

Notation of a phrase: words apart by one space · `stem~` any ending · `(a|b)` one of · `..` up to about
50 characters between · `{name}` a word family of the rule set · `@` marks the rarest word of the phrase:
a text without such a word never runs the rule's pattern. Texts of Chinese have no word breaks; each rule
may hold one plain regular expression for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from states.vocabulary import ErrorClass, Label, Reason

_PLAIN_LIMIT = 1500
"""Characters of a text that are read: error texts are short, HTML pages are not worth more."""

REMEMBERED = 1_000
"""Texts whose reading is remembered: in an outage one provider says one thing thousands of times."""

_WORDS = re.compile(r"[A-Z]{2,}s(?![A-Za-z])|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\da-zA-Z_]+")
_LATIN_WORDS = re.compile(r"[a-z]+|[0-9]+")
_HAS_CHINESE = re.compile(r"[一-鿿]").search
_ANCHOR = re.compile(r"@(\([^()]*\)|\{\w+\}|[^\s@()|]+)")
_HEAD = re.compile(r"(\([^()]*\)|\{\w+\}|[^\s@()|]+)(?!\?)")
_SHORT_NOT = re.compile(r" (is|are|was|were|do|does|did|has|have|had|could|would|should)n t(?= )")
_BARE_NOT = re.compile(r" (is|are|was|were|do|does|did|has|have|had|could|would|should)nt(?= )")
_LETTERS = re.compile(r"[a-z0-9а-я]+")
_SURE = re.compile(r"(?:[a-z0-9а-я](?!\?))*")
"""Letters that every word of a stem begins with: the one before `?` may be missing."""
_KEY = 4
"""Letters of a stem that the index looks at."""
_MUST = re.compile(r"[^\W_]+[~\w?]*|\([^()?*][^()]*\)|\{\w+\}")
_MET = 5_000
"""Different words whose masks are kept: more than errors are made of, less than an attacker could fill."""


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
    return _plain(text[:_PLAIN_LIMIT])


@lru_cache(REMEMBERED)
def _plain(text: str) -> str:
    if text.islower() and text.isascii():
        words = f" {' '.join(_LATIN_WORDS.findall(text))} "
    else:
        words = f" {' '.join(_WORDS.findall(text)).lower()} "
        if not text.isascii():
            words = words.replace("ё", "е")
    if "nt " in words:  # written without its apostrophe
        words = _BARE_NOT.sub(r" \1n t", words).replace(" cant ", " can t ").replace(" wont ", " will not ")
    return _SHORT_NOT.sub(r" \1 not", words) if "n t " in words else words


class _Masks(dict[str, tuple[int, int]]):
    """Which phrases a word may belong to, as two bit masks: by its anchor, and by its second word.

    Filled as words are met; a word that no phrase knows costs one look-up ever after.
    """

    def __init__(self, *indexes: Mapping[tuple[str, bool], int]) -> None:
        super().__init__()
        self._indexes = indexes

    def __missing__(self, word: str) -> tuple[int, int]:
        whole, stem = (word, True), (word[:_KEY], False)
        first, second = (index.get(whole, 0) | index.get(stem, 0) for index in self._indexes)
        if len(self) < _MET:
            self[word] = first, second
        return first, second


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in order of priority, with an index from words to the phrases that may fit a text.

    `_patterns` has one entry a phrase, rule after rule; sets of phrases are bit masks. A phrase is tried on a
    text that has a word of its anchor and, where it has a second word that must be there, one of that, too.
    The lowest bit is the first in priority.
    """

    rules: tuple[Rule, ...]
    _patterns: tuple[tuple[re.Pattern[str], Rule], ...] = field(repr=False)
    _masks: _Masks = field(repr=False)
    _lone: int = field(repr=False)
    """Phrases without a second word."""
    _chinese: int = field(repr=False)

    def find(self, words: str) -> Rule | None:
        """The first rule that fits text made `plain`, or None."""
        masks = self._masks
        anchored, mask = 0, self._lone
        for word in set(words.split()):
            first, second = masks[word]
            anchored |= first
            mask |= second
        mask &= anchored
        if self._chinese and not words.isascii() and _HAS_CHINESE(words):
            mask |= self._chinese
        while mask:
            bit = mask & -mask
            pattern, rule = self._patterns[bit.bit_length() - 1]
            if pattern.search(words):
                return rule
            mask ^= bit
        return None

    def scan(self, words: str) -> Rule | None:
        """The same answer without the index: tests prove the two equal."""
        return next((rule for pattern, rule in self._patterns if pattern.search(words)), None)


def build(rules: tuple[Rule, ...], families: Mapping[str, str]) -> RuleSet:
    """Compile rules once, at import. Raises ValueError on a phrase whose anchor cannot be indexed."""
    anchors: dict[tuple[str, bool], int] = {}
    seconds: dict[tuple[str, bool], int] = {}
    chinese = lone = 0
    patterns: list[tuple[re.Pattern[str], Rule]] = []
    for rule in rules:
        for phrase in rule.phrases:
            bit = 1 << len(patterns)
            for key in _keys(phrase, families):
                anchors[key] = anchors.get(key, 0) | bit
            second = _second(phrase, families)
            lone |= 0 if second else bit
            for key in second:
                seconds[key] = seconds.get(key, 0) | bit
            patterns.append((re.compile(f" {_pattern(phrase, families)} "), rule))
        if rule.chinese:
            chinese |= 1 << len(patterns)
            patterns.append((re.compile(rule.chinese), rule))
    return RuleSet(rules, tuple(patterns), _Masks(anchors, seconds), lone, chinese)


def _pattern(phrase: str, families: Mapping[str, str]) -> str:
    """A phrase as a regular expression over plain words."""
    text = _expand(phrase.replace("@", ""), families)
    text = text.replace("~", r"\w*").replace(" .. ", r" (?:.{0,50}? )??")
    if re.search(r"\.\.|[{@](?!0,50)|  ", text):
        raise ValueError(f"the phrase {phrase!r} has a gap, a mark or a space in the wrong place")
    return text


def _expand(phrase: str, families: Mapping[str, str]) -> str:
    for _ in range(3):  # families may name families
        phrase = re.sub(r"\{(\w+)\}", lambda found: f"({families[found[1]]})", phrase)
    return re.sub(r"\((?!\?)", "(?:", phrase)


def _keys(phrase: str, families: Mapping[str, str]) -> set[tuple[str, bool]]:
    """The words, or first letters of words, of which one must be in any text that the phrase takes."""
    found = _ANCHOR.search(phrase) or _HEAD.match(phrase)
    if found is None:
        raise ValueError(f"the phrase {phrase!r} begins with something optional: mark its rarest word with @")
    return _options(found[1], families, phrase)


def _second(phrase: str, families: Mapping[str, str]) -> set[tuple[str, bool]]:
    """The same for another word that must be there; empty where there is none that can be indexed."""
    anchor = _ANCHOR.search(phrase) or _HEAD.match(phrase)
    rest = phrase.replace(anchor[0], "", 1) if anchor else phrase
    found: list[set[tuple[str, bool]]] = []
    for token in _tokens(rest):
        try:
            found.append(_options(token, families, phrase))
        except ValueError:
            continue
    return min(found, key=len, default=set())


def _tokens(phrase: str) -> list[str]:
    """What stands between the spaces of a phrase, spaces in brackets aside, and must be in the text."""
    tokens, depth = [""], 0
    for letter in phrase:
        depth += (letter == "(") - (letter == ")")
        if letter == " " and not depth:
            tokens.append("")
        else:
            tokens[-1] += letter
    return [token for token in tokens if _MUST.fullmatch(token)]


def _options(token: str, families: Mapping[str, str], phrase: str) -> set[tuple[str, bool]]:
    """The index keys of a word, a bracket or a family. Raises ValueError where one cannot be told."""
    keys: set[tuple[str, bool]] = set()
    for option in _expand(token, families).replace("(?:", "").replace(")", "").split("|"):
        word = option.split(" ")[0]
        if " ?" in option:  # a space that may be missing: "can ?not" is two words or one
            keys.add((option.replace(" ?", "").split(" ")[0], True))
        if _LETTERS.fullmatch(word):
            keys.add((word, True))
        elif word.endswith("s?") and _LETTERS.fullmatch(word[:-2]):
            keys |= {(word[:-1], True), (word[:-2], True)}
        elif (sure := _SURE.match(word)) and len(sure[0]) >= _KEY:
            keys.add((sure[0][:_KEY], False))
        else:
            raise ValueError(f"the anchor {option!r} of the phrase {phrase!r} has no {_KEY} sure letters")
    return keys
