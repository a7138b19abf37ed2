"""Formatted text as Telegram's server reads it: `parse_mode=HTML` to plain text plus entities.

Outside facts: the list of tags and the error sentences are those of tdlib/td `parse_html` (2026-07). Offsets
and lengths of entities count UTF-16 code units; byte offsets in error sentences count UTF-8 bytes.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

Entity = dict[str, Any]

PLAIN_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "code": "code", "pre": "pre", "blockquote": "blockquote", "a": "text_link", "span": "spoiler",
    "tg-emoji": "custom_emoji",
}  # fmt: skip

_TAG_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_ATTRIBUTE = re.compile(r"""\s*([a-zA-Z0-9-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+))?""")
_CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)])|(?P<bot_command>(?<![\w/])/[a-zA-Z0-9_]{1,32}(?:@\w+)?\b)"
    r"|(?P<mention>(?<!\w)@[a-zA-Z]\w{3,31}\b)"
)


class EntityError(ValueError):
    """The text cannot be parsed. The message is the part after `can't parse entities: `."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """Plain text and its entities, sorted by offset, outer ones first."""

    text: str
    entities: tuple[Entity, ...] = ()


def utf16_len(text: str) -> int:
    """Length in UTF-16 code units: what Telegram's limits and offsets count."""
    return len(text) + sum(1 for letter in text if ord(letter) > 0xFFFF)


@dataclass(slots=True)
class _Open:
    tag: str
    offset: int
    attributes: dict[str, str]


@dataclass(slots=True)
class _Parser:
    source: str
    at: int = 0
    out: list[str] = field(default_factory=list)
    length: int = 0
    open: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def run(self) -> Formatted:
        while self.at < len(self.source):
            letter = self.source[self.at]
            if letter == "<":
                self._tag()
            elif letter == "&" and (found := _CHARACTER.match(self.source, self.at)):
                self._put(unescape(found.group()))
                self.at = found.end()
            else:
                self._put(letter)
                self.at += 1
        if self.open:
            raise EntityError(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        return Formatted("".join(self.out), tuple(self.entities))

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.length += utf16_len(text)

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode())

    def _tag(self) -> None:
        if self.source.startswith("</", self.at):
            self._end_tag()
        else:
            self._start_tag()

    def _start_tag(self) -> None:
        begin = self.at
        name = _TAG_NAME.match(self.source, begin + 1)
        tag = name.group().lower() if name else ""
        if tag not in PLAIN_TAGS:
            raise EntityError(f'Unsupported start tag "{tag}" at byte offset {self._byte(begin)}')
        attributes: dict[str, str] = {}
        self.at = name.end() if name else begin + 1
        while (found := _ATTRIBUTE.match(self.source, self.at)) and found.group(1):
            attributes[found.group(1).lower()] = unescape((found.group(2) or "").strip("\"'"))
            self.at = found.end()
        close = re.compile(r"\s*>").match(self.source, self.at)
        if close is None:
            raise EntityError(f"Unclosed start tag at byte offset {self._byte(begin)}")
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise EntityError(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(begin)}')
        self.at = close.end()
        self.open.append(_Open(tag, self.length, attributes))

    def _end_tag(self) -> None:
        begin = self.at
        close = self.source.find(">", begin)
        if close < 0:
            raise EntityError(f"Unclosed end tag at byte offset {self._byte(begin)}")
        tag = self.source[begin + 2 : close].strip().lower()
        if not self.open:
            raise EntityError(f"Unexpected end tag at byte offset {self._byte(begin)}")
        opened = self.open.pop()
        if tag and tag != opened.tag:
            raise EntityError(
                f"Unmatched end tag at byte offset {self._byte(begin)}, "
                f'expected "</{opened.tag}>", found "</{tag}>"'
            )
        self.at = close + 1
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        length = self.length - opened.offset
        entity: Entity = {"type": PLAIN_TAGS[opened.tag], "offset": opened.offset, "length": length}
        if opened.tag == "a":
            if not opened.attributes.get("href"):
                return
            entity["url"] = opened.attributes["href"]
        elif opened.tag == "pre" and "language" in opened.attributes:
            entity["language"] = opened.attributes["language"]
        elif opened.tag == "tg-emoji":
            entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
        elif opened.tag == "blockquote" and "expandable" in opened.attributes:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "code" and self._language_of_pre(opened, length):
            return
        if length:
            self.entities.append(entity)

    def _language_of_pre(self, opened: _Open, length: int) -> bool:
        """`<pre><code class="language-x">` is one `pre` entity with a language."""
        language = opened.attributes.get("class", "")
        inside = bool(self.open) and self.open[-1].tag == "pre" and self.open[-1].offset == opened.offset
        if not (inside and language.startswith("language-") and length):
            return False
        self.open[-1].attributes["language"] = language.removeprefix("language-")
        return True


def parse_html(source: str) -> Formatted:
    """Read Telegram's HTML. Raises EntityError with td's own sentence."""
    return _Parser(source).run()


def _trim(formatted: Formatted) -> Formatted:
    """Cut white space round the text, as the server does, and move the entities along."""
    kept = formatted.text.rstrip()
    lead = utf16_len(kept) - utf16_len(kept.lstrip())
    kept = kept.lstrip()
    size = utf16_len(kept)
    entities = []
    for entity in formatted.entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, size)
        if end > start:
            entities.append({**entity, "offset": start, "length": end - start})
    return Formatted(kept, tuple(entities))


def found_entities(text: str, taken: tuple[Entity, ...] = ()) -> list[Entity]:
    """Links, commands and mentions that Telegram finds by itself, outside code and links."""
    closed = [
        (e["offset"], e["offset"] + e["length"]) for e in taken if e["type"] in {"code", "pre", "text_link"}
    ]
    found = []
    for match in _FOUND.finditer(text):
        start, length = utf16_len(text[: match.start()]), utf16_len(match.group())
        if not any(start < right and left < start + length for left, right in closed):
            found.append({"type": match.lastgroup or "", "offset": start, "length": length})
    return found


def format_text(source: str, parse_mode: str = "", entities: list[Entity] | None = None) -> Formatted:
    """What a message shows of `source`. Raises EntityError; speaks HTML and explicit entities."""
    if entities is None and parse_mode.lower() == "html":
        formatted = parse_html(source)
    elif parse_mode and entities is None:
        raise EntityError(f'parse mode "{parse_mode}" is not spoken by the sandbox, use HTML')
    else:
        formatted = Formatted(source, tuple(entities or ()))
    trimmed = _trim(formatted)
    every = [*trimmed.entities, *found_entities(trimmed.text, trimmed.entities)]
    return Formatted(trimmed.text, tuple(sorted(every, key=lambda e: (e["offset"], -e["length"]))))
