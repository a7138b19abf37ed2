"""Plots of a soak as one SVG: small line charts under each other, drawn by hand so that nothing is needed."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10
from typing import Any, Final

WIDTH, HEIGHT, GAP = 940, 190, 34
_GREY: Final = "#6b7280"
_LEFT, _RIGHT, _TOP = 62, 150, 58
_COLOURS: Final = ("#2563eb", "#dc2626", "#059669", "#9333ea", "#d97706", "#0891b2", "#be185d", "#4d7c0f")
Series = Mapping[str, Sequence[tuple[float, float]]]
"""Lines by name; points are (minutes, value)."""


def picture(title: str, samples: Sequence[Mapping[str, Any]]) -> str:
    """The whole SVG."""
    charts = [
        ("Resident memory of our processes, MB", _of(samples, "rss_mb", ("bot", "steady", "doomed"))),
        ("The store's data, MB (ledger rows stay for ever)", _store(samples)),
        ("Keys by kind", _of(samples, "keys", _largest(samples, 8))),
        ("Live jobs by state", _of(samples, "jobs", ("queued", "generating", "retry_wait", "sending"))),
        ("Jobs ended so far", _of(samples, "jobs", ("done", "refunded", "failed"))),
        ("Seconds until the bot answers", _of(samples, "answer_s", ("p50", "p95"))),
        ("Seconds from launch to video", _of(samples, "video_s", ("p50", "p95"))),
        ("CPU, cores", _of(samples, "cpu", ("bot", "steady", "doomed", "store", "driver"))),
    ]
    height = _TOP + len(charts) * (HEIGHT + GAP) + 10
    last = max((s["at_s"] / 60 for s in samples), default=1.0)
    drawn = [_chart(name, series, _TOP + n * (HEIGHT + GAP), last) for n, (name, series) in enumerate(charts)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Arial, sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="16" y="28" font-size="16" font-weight="bold" fill="#111827">{escape(title)}</text>'
    )
    return "\n".join([head, *drawn, "</svg>\n"])


def _of(samples: Sequence[Mapping[str, Any]], what: str, names: Sequence[str]) -> Series:
    return {
        name: [(s["at_s"] / 60, float(s[what].get(name, 0))) for s in samples if s[what]] for name in names
    }


def _store(samples: Sequence[Mapping[str, Any]]) -> Series:
    rest = [(s["at_s"] / 60, s["store_mb"] - s["ledger_mb"]) for s in samples]
    return {
        "all": [(s["at_s"] / 60, s["store_mb"]) for s in samples],
        "without ledger": rest,
        "ledger": [(s["at_s"] / 60, s["ledger_mb"]) for s in samples],
    }


def _largest(samples: Sequence[Mapping[str, Any]], n: int) -> list[str]:
    seen: dict[str, int] = {}
    for sample in samples:
        for kind, count in sample["keys"].items():
            seen[kind] = max(seen.get(kind, 0), count)
    return sorted(seen, key=lambda kind: -seen[kind])[:n]


def _nice(most: float) -> float:
    """The next round number."""
    unit = 10.0 ** floor(log10(most)) if most > 0 else 1.0
    return next(unit * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * step >= most)


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_GREY}">{text}</text>'


def _chart(name: str, series: Series, top: int, last: float) -> str:
    points = [point for line in series.values() for point in line]
    most = _nice(max((y for _, y in points), default=1.0))
    inner = WIDTH - _LEFT - _RIGHT

    def at(x: float, y: float) -> str:
        return f"{_LEFT + x / last * inner:.1f},{top + 22 + (HEIGHT - 44) * (1 - y / most):.1f}"

    parts = [f'<text x="16" y="{top + 12}" font-weight="bold" fill="#374151">{escape(name)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = top + 22 + (HEIGHT - 44) * (1 - share)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="#e5e7eb"/>')
        parts.append(_label(_LEFT - 6, y + 4, "end", f"{most * share:.3g}"))
    for minute in range(0, int(last) + 1, max(1, round(last / 8))):
        x = _LEFT + minute / last * inner
        parts.append(_label(x, top + HEIGHT - 6, "middle", f"{minute} min"))
    for n, (label, line) in enumerate(series.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        path = " ".join(at(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(
            f'<text x="{WIDTH - _RIGHT + 10}" y="{top + 30 + n * 16}" fill="{colour}">{escape(label)}</text>'
        )
    return "\n".join(parts)
