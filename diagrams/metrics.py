"""Widths of text from a fixed table, never from installed fonts, so that a picture is the same everywhere.

The table holds the advance widths of the vendored DejaVu Sans, which is wider than the usual screen
fonts: a label that fits in it fits in the reader's own font too.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
"""The vendored fonts and the table of widths."""

LABEL_PX = 10.5
"""Font size of labels."""
STATE_PX = 13.0
"""Font size of state names."""
LINE_PX = 14.0
"""Distance between the lines of a label block."""


@cache
def _table(weight: str) -> Mapping[str, int]:
    text = (FONTS / "widths.json").read_text(encoding="utf-8")
    table: Mapping[str, int] = json.loads(text)[weight]
    return table


def has_glyph(char: str) -> bool:
    """Can the vendored font draw this character?"""
    return char in _table("regular") and char in _table("bold")


def width(text: str, size_px: float = LABEL_PX, *, bold: bool = False) -> float:
    """Width of a line of text in px; a character without a glyph counts as a wide one."""
    table = _table("bold" if bold else "regular")
    return round(sum(table.get(char, 1000) for char in text) * size_px / 1000, 2)
