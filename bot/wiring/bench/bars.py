"""Measurements as a picture: horizontal bars, one panel a figure. Plain SVG, no library."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 760
_LABEL: Final = 190
_ROW: Final = 22
_HEAD: Final = 40
_OURS: Final = "#2563eb"
_THEIRS: Final = "#94a3b8"
_TEXT: Final = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'


def bars(title: str, panels: Mapping[str, Mapping[str, float]], ours: Sequence[str], foot: str = "") -> str:
    """The SVG. `panels`: heading → name → value; rows keep their order, names in `ours` are coloured."""
    parts, y = [_text(16, 26, title, size=16, weight="bold")], 44.0
    for heading, values in panels.items():
        parts.append(_text(16, y + 22, heading, size=12, weight="bold"))
        y += _HEAD - 6
        most = max([*values.values(), 1e-9])
        for name, value in values.items():
            parts += _bar(y, name, value, most, _OURS if name in ours else _THEIRS)
            y += _ROW
        y += 10
    parts.append(_text(16, y + 12, foot, size=10, fill="#64748b"))
    height = round(y + 26)
    size = f'width="{WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}">'
    return "\n".join([head, f'<rect {size} fill="#ffffff"/>', *parts, "</svg>\n"])


def _bar(y: float, name: str, value: float, most: float, fill: str) -> list[str]:
    room = WIDTH - _LABEL - 100
    width = max(1.0, room * value / most)
    return [
        _text(_LABEL - 8, y + 14, name, size=12, anchor="end"),
        f'<rect x="{_LABEL}" y="{y:.1f}" width="{width:.1f}" height="{_ROW - 6}" rx="2" fill="{fill}"/>',
        _text(_LABEL + width + 6, y + 13, _number(value), size=11, fill="#334155"),
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    weight: str = "normal",
    anchor: str = "start",
    fill: str = "#0f172a",
) -> str:
    look = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {_TEXT} {look}>{escape(words)}</text>'
