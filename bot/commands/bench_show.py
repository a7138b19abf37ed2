"""How a measurement is shown and written down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.wiring.bench.bars import bars
from engine.bench.summary import Spread

FEW: Final = 8
PLOTTED: Final = ("jobs_per_s", "transitions_per_s", "worker_cpu_us_per_job", "server_cpu_us_per_job")


@dataclass(slots=True)
class Report:
    """Prints as it grows, and can be written as JSON."""

    name: str
    machine: Mapping[str, str]
    settings: Mapping[str, Any]
    content: dict[str, Any] = field(default_factory=dict)
    panels: dict[str, dict[str, float]] = field(default_factory=dict)
    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    def __post_init__(self) -> None:
        """Say where this was measured."""
        self.console.print(f"[bold]reelstate bench {self.name}[/] on " + ", ".join(self.machine.values()))
        self.console.print(", ".join(f"{name} {_said(value)}" for name, value in self.settings.items()))

    def line(self, figures: Mapping[str, float], names: tuple[str, ...], what: str = "") -> None:
        """One round, as it comes; `what` it measured when rounds differ."""
        self.content.setdefault(f"rounds {what}".strip(), []).append(dict(figures))
        self.console.print(
            f"  {what} ".rstrip() + " " + " · ".join(f"{name} {number(figures[name])}" for name in names)
        )

    def figures(self, spreads: Mapping[str, Spread], title: str = "median") -> None:
        """The medians over all rounds."""
        table = Table("figure", title, "low", "high", box=None, pad_edge=False)
        for name, each in spreads.items():
            table.add_row(name, number(each.median), number(each.low), number(each.high))
        self.console.print(table)
        self.content[title] = {name: asdict(each) for name, each in spreads.items()}
        self.panels[title] = {name: each.median for name, each in spreads.items() if name in PLOTTED}

    def table(self, title: str, values: Mapping[str, float]) -> None:
        """Names and numbers: one line for a few, a table for many."""
        self.content[title] = self.panels[title] = dict(values)
        if len(values) <= FEW:
            said = " · ".join(f"{name} {number(value)}" for name, value in values.items())
            self.console.print(f"{escape(title)}: {escape(said)}")
            return
        table = Table(escape(title), "", box=None, pad_edge=False)
        for name, value in values.items():
            table.add_row(escape(name), number(value))
        self.console.print(table)

    def write(self, json_path: Path | None, plot_path: Path | None) -> None:
        """Write everything as JSON, and the tables as a picture (SVG), where places were named."""
        whole = {"name": self.name, "machine": dict(self.machine), **self.settings, **self.content}
        if json_path is not None:
            _put(json_path, json.dumps(whole, indent=1, default=_plain) + "\n")
        if plot_path is not None:
            foot = ", ".join(self.machine.values())
            _put(plot_path, bars(f"reelstate bench {self.name}", self.panels, (), foot))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def number(value: float) -> str:
    """Three or four telling digits."""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _said(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {name: each for name, each in asdict(value).items() if name != "url"}
        return ", ".join(f"{name} {each}" for name, each in parts.items())
    return str(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: each for name, each in asdict(value).items() if name != "url"}
    raise TypeError(f"cannot write a {type(value).__name__}")
