"""The page's own files: templates, styles, scripts, and the painted graph put into the page.

The graph carries its stylesheet with it everywhere else; here a policy forbids styles inside a page, so they
are files of their own, one for each theme.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from diagrams.markup import escape
from diagrams.style import stylesheet
from diagrams.svg import paint
from diagrams.words import STATES, TRIGGERS
from diagrams.words_reasons import REASONS
from states.graph import Graph

STATIC: Final = Path(__file__).parent.parent / "static" / "live"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[\d.]+" height="[\d.]+"')


@cache
def files() -> dict[str, tuple[str, str]]:
    """Name → type and text. Only what is listed here is ever served."""
    found = {
        path.name: (TYPES[path.suffix], path.read_text(encoding="utf-8"))
        for path in STATIC.iterdir()
        if path.suffix in TYPES
    }
    for theme in ("light", "dark"):
        found[f"graph-{theme}.css"] = ("text/css", stylesheet(theme))
    return found


def page(graph: Graph, *, home: str = "") -> str:
    """The page with the graph in it. `home`: a page to go back to."""
    svg = _SIZE.sub(r"\1", _STYLE.sub("", paint(graph, theme="auto")))
    link = f'<a class="home" href="{escape(home)}" data-word="chat"></a>' if home else ""
    words = escape(json.dumps(_words(), ensure_ascii=False, separators=(",", ":")))
    text = (STATIC / "page.html").read_text(encoding="utf-8")
    for mark, filling in (("HOME", link), ("DIGEST", graph.digest), ("WORDS", words), ("GRAPH", svg)):
        text = text.replace(f"<!--{mark}-->", filling)
    return text


def login_page(*, wrong: bool) -> str:
    """The form that asks for the token."""
    text = (STATIC / "login.html").read_text(encoding="utf-8")
    return text.replace("<!--WRONG-->", "" if wrong else "hidden")


def _words() -> dict[str, Any]:
    """What states, triggers and reasons mean, for tooltips."""
    return {
        language: {
            "states": {state.value: meaning[language] for state, meaning in STATES.items()},
            "triggers": {trigger.value: meaning[language] for trigger, meaning in TRIGGERS.items()},
            "reasons": {reason.value: meaning[language] for reason, meaning in REASONS.items()},
        }
        for language in ("en", "ru")
    }
