"""The stylesheet of the picture. Plain class rules only: every SVG reader understands them."""

from diagrams.metrics import LABEL_PX, STATE_PX
from diagrams.theme import DARK, LIGHT, Theme
from states.graph import EdgeKind

FONT = '"DejaVu Sans","Segoe UI",system-ui,-apple-system,Roboto,"Noto Sans",Helvetica,Arial,sans-serif'
"""The vendored family first: a PNG needs the exact name, a browser takes what it has (all narrower)."""

_SHAPES = f"""
.reel-graph text{{font-family:{FONT};font-size:{LABEL_PX}px}}
.reel-graph .name{{font-size:{STATE_PX}px;font-weight:700;text-anchor:middle}}
.reel-graph .note{{font-size:9px;text-anchor:middle}}
.reel-graph .head{{font-weight:700}}
.reel-graph .badge text{{font-size:9.5px;font-weight:700;text-anchor:middle}}
.reel-graph .tally{{font-size:9.5px;font-weight:700}}
.reel-graph .line{{fill:none;stroke-width:1.5;stroke-linejoin:round}}
.reel-graph .box{{stroke-width:1.5}}
.reel-graph .inner{{fill:none;stroke-width:1}}
.reel-graph .halo{{fill:none;stroke-width:7;stroke-opacity:.28}}
.reel-graph .plate{{fill-opacity:.85}}
.reel-graph .never .line{{stroke-dasharray:4 4}}
.reel-graph .removed .line{{stroke-dasharray:7 4}}
.reel-graph .changed .line{{stroke-dasharray:.1 5;stroke-linecap:round}}
.reel-graph .rule.removed text{{text-decoration:line-through}}
"""


def stylesheet(theme: str) -> str:
    """Shapes and the colours of a theme; `auto` carries both and follows the reader."""
    if theme == "dark":
        return _SHAPES + _colours(DARK)
    if theme == "auto":
        return f"{_SHAPES}{_colours(LIGHT)}@media (prefers-color-scheme:dark){{\n{_colours(DARK)}}}\n"
    return _SHAPES + _colours(LIGHT)


def _colours(theme: Theme) -> str:
    rules = [
        f".paper,.reel-graph .plate{{fill:{theme.paper}}}",
        f"text{{fill:{theme.text}}}",
        f".note,.reel-graph .legend text{{fill:{theme.dim}}}",
        f".dot{{fill:{theme.text}}}",
        f".box{{fill:{theme.box};stroke:{theme.box_line}}}",
        f".halo{{stroke:{theme.current}}}",
        *(_hue(theme, kind) for kind in EdgeKind),
        f".faded .line{{stroke:{theme.faint}}}",
        f".faded .tip{{fill:{theme.faint}}}",
        f".faded text{{fill:{theme.faint}}}",
        f".faded .pill{{fill:{theme.dim}}}",
        *(_change(name, getattr(theme, name)) for name in ("added", "removed", "changed")),
        f".current .box{{fill:{theme.current_fill};stroke:{theme.current};stroke-width:2.5}}",
        f".badge text{{fill:{theme.badge_text}}}",
    ]
    return "".join(f".reel-graph {rule}\n" for rule in rules)


def _hue(theme: Theme, kind: EdgeKind) -> str:
    ink, fill, k = theme.ink[kind], theme.fill[kind], f".k-{kind.value}"
    return (
        f"{k} .line{{stroke:{ink}}}\n.reel-graph {k} .tip,.reel-graph {k} .pill{{fill:{ink}}}\n"
        f".reel-graph {k} text{{fill:{ink}}}\n"
        f".reel-graph .end{k} .box{{fill:{fill};stroke:{ink}}}\n.reel-graph .end{k} .inner{{stroke:{ink}}}"
    )


def _change(name: str, colour: str) -> str:
    parts = (f".{name} .tip", f".{name} .pill", f".{name} text")
    filled = ",.reel-graph ".join(parts)
    return f".{name} .line{{stroke:{colour}}}\n.reel-graph {filled}{{fill:{colour}}}"
