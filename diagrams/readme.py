"""Marked blocks in Markdown files: printed from the graph, so that no page can go stale unnoticed.

A block is `<!-- graph:NAME -->` ... `<!-- /graph:NAME -->`; names: picture, strategy, glossary.
Pages whose name ends in `.ru.md` are filled in Russian.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from diagrams.glossary import glossary
from diagrams.layout import find_layout
from diagrams.mermaid import mermaid
from diagrams.scene import scene
from diagrams.tables import strategy_table
from diagrams.words import Language
from states.graph import Graph

_BLOCK = re.compile(
    r"(?P<open><!-- graph:(?P<name>[a-z]+) -->).*?(?P<close><!-- /graph:(?P=name) -->)", re.DOTALL
)
_OPENING = re.compile(r"<!-- graph:(?P<name>[a-z]+) -->")
_ALT: Mapping[Language, str] = MappingProxyType(
    {
        "en": "The state graph: queued, generating, retry_wait, sending, done, refunded, failed",
        "ru": "Граф состояний: queued, generating, retry_wait, sending, done, refunded, failed",
    }
)
_TEXT_FORM: Mapping[Language, str] = MappingProxyType(
    {"en": "The same graph as text (Mermaid)", "ru": "Тот же граф текстом (Mermaid)"}
)


class BlockError(ValueError):
    """A page has a block that cannot be filled; the message is one sentence."""


def language_of(path: Path) -> Language:
    """The language of a page, by its name."""
    return "ru" if path.name.endswith(".ru.md") else "en"


def picture(graph: Graph, language: Language, folder: str = "diagrams/generated") -> str:
    """The committed picture for light and dark readers, with the text form folded below."""
    wide = f"{find_layout(scene(graph)).size.x:.0f}"
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{folder}/graph-dark.svg">\n'
        f'  <img alt="{_ALT[language]}" src="{folder}/graph.svg" width="{wide}">\n'
        "</picture>\n\n"
        f"<details><summary>{_TEXT_FORM[language]}</summary>\n\n"
        f"```mermaid\n{mermaid(graph)}```\n\n</details>\n"
    )


BLOCKS: Mapping[str, Callable[[Graph, Language], str]] = MappingProxyType(
    {"picture": picture, "strategy": strategy_table, "glossary": glossary}
)


def filled(text: str, graph: Graph, language: Language = "en") -> str:
    """The page with every block printed anew. A page without blocks comes back as it was.

    Raises BlockError for an unknown or unclosed block.
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        return f"{match['open']}\n{BLOCKS[name](graph, language)}{match['close']}"

    opened = [match["name"] for match in _OPENING.finditer(text)]
    closed = [match["name"] for match in _BLOCK.finditer(text)]
    for name in opened:
        if name not in BLOCKS:
            raise BlockError(f"unknown block graph:{name} (there are: {', '.join(BLOCKS)})")
        if opened.count(name) != closed.count(name):
            raise BlockError(f"block graph:{name} is not closed by <!-- /graph:{name} -->")
    return _BLOCK.sub(block, text)
