"""What the bot says, in Russian and English: two Fluent files with equal keys and variables.

`Texts.say` is the only way from a key to words. Strings handed to it are user text and are escaped;
`Html` marks what is markup already. Telegram takes 4096 characters in a text and 1024 in a caption,
counted without the markup, so long user text is clipped before it is shown.
"""

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from fluent.runtime import FluentBundle, FluentResource

LANGUAGES: Final = ("ru", "en")
DEFAULT_LANGUAGE: Final = "ru"
TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
SHOWN_WISHES: Final = 300
"""How much of the user's wishes a message repeats; the whole text goes to the model."""


_MARK: Final = re.compile("\ue000([a-z_]+)\ue000")


class Html(str):
    """Text that is markup already and must not be escaped again."""

    __slots__ = ()


Value = str | int | float


class UnknownTextError(KeyError):
    """No such key, or its text could not be built: a bug that the tests of texts/ find."""


def language_of(code: str | None) -> str:
    """Our language for Telegram's `language_code` (optional, IETF, e.g. `pt-br`); Russian when unsaid."""
    if not code:
        return DEFAULT_LANGUAGE
    primary = code.lower().replace("_", "-").partition("-")[0]
    return primary if primary in LANGUAGES else "en"


def clip(text: str, limit: int = SHOWN_WISHES) -> str:
    """At most `limit` characters of user text, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def utc_date(ms: int) -> str:
    """Day and time of a moment, UTC: unambiguous in both languages."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%d.%m %H:%M")


class Texts:
    """All texts of all languages, loaded once."""

    def __init__(self, bundles: Mapping[str, FluentBundle]) -> None:
        self._bundles = bundles

    def say(self, lang: str, key: str, /, **values: Value) -> Html:
        """The text of `key` (`message` or `message.attribute`) in a language; strings are escaped.

        Raises UnknownTextError for a missing key or variable.
        """
        bundle = self._bundles[language_of(lang)]
        name, _, attribute = key.partition(".")
        if not bundle.has_message(name):
            raise UnknownTextError(key)
        message = bundle.get_message(name)
        pattern = message.attributes.get(attribute) if attribute else message.value
        if pattern is None:
            raise UnknownTextError(key)
        # fluent.runtime refuses values above 1000 characters, so strings are put in afterwards
        marks = {k: _mark(k) if isinstance(v, str) else v for k, v in values.items()}
        text, errors = bundle.format_pattern(pattern, marks)
        if errors:
            raise UnknownTextError(f"{key}: {errors[0]}")
        return Html(_MARK.sub(lambda found: escaped(values[found[1]]), str(text)))

    def credits(self, lang: str, n: int) -> Html:
        """`5 credits`, with the language's own plural."""
        return self.say(lang, "credits", n=n)

    def has(self, key: str) -> bool:
        """Whether there is a text of that name."""
        return self._bundles[DEFAULT_LANGUAGE].has_message(key)

    def template(self, lang: str, name: str) -> Html:
        """The title of a product style; its bare name when the style is gone (old jobs)."""
        key = f"template-{name}"
        return self.say(lang, key) if self.has(key) else escaped(name)


def _mark(name: str) -> str:
    """Holds the place of a string value; no text of ours has such a character."""
    return f"\ue000{name}\ue000"


def escaped(value: Value) -> Html:
    """User text made safe to stand in markup; markup stays as it is."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=False))


@cache
def load_texts() -> Texts:
    """Both languages from the files beside this module."""
    bundles = {}
    for lang in LANGUAGES:
        # no isolation marks: they would surround every name and number with invisible characters
        bundle = FluentBundle([lang], use_isolating=False)
        bundle.add_resource(FluentResource((files(__name__) / f"{lang}.ftl").read_text(encoding="utf-8")))
        bundles[lang] = bundle
    return Texts(MappingProxyType(bundles))
