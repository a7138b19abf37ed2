"""Helpers for tests of texts: what Telegram would count, and user text that breaks careless markup."""

import re
from html import unescape
from typing import Final

NASTY: Final = "<b>&amp;</b> 😀👩‍👩‍👧 مرحبا שלום " + "\u202eabc\u202c & <script>"
"""Markup, an entity, emoji of several code points, right-to-left text and an override mark."""

_TAG: Final = re.compile(r"<(/?)(b|i|code|a)(?:\s[^<>]*)?>")


def visible(html: str) -> str:
    """The text without markup. Fails on anything Telegram could not parse."""
    stack: list[str] = []
    for found in _TAG.finditer(html):
        closing, name = found.groups()
        if closing:
            assert stack, html
            assert stack.pop() == name, html
        else:
            stack.append(name)
    assert not stack, html
    rest = _TAG.sub("", html)
    assert "<" not in rest, html
    assert ">" not in rest, html
    assert re.fullmatch(r"(?:[^&]|&(?:lt|gt|amp|quot);)*", rest, re.DOTALL), html
    return unescape(rest)


def units(text: str) -> int:
    """UTF-16 code units: what Telegram's limits count."""
    return len(text.encode("utf-16-le")) // 2
