"""How a measurement is shown and written down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.bench.summary import Spread


@dataclass(slots=True)
class Report:
    """Prints as it grows, and can be written as JSON."""

    name: str
    machine: Mapping[str, str]
    settings: Mapping[str, Any]
    content: dict[str, Any] = field(default_factory=dict)
    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    def __post_init__(self) -> None:
        """Say where this was measured."""
        self.console.print(f"[bold]reelstate bench {self.name}[/] on " + ", ".join(self.machine.values()))
        self.console.print(", ".join(f"{name} {_said(value)}" for name, value in self.settings.items()))

    def line(self, figures: Mapping[str, float], names: tuple[str, ...], what: str = "") -> None:
        """One round, as it comes; `what` it measured when rounds differ."""
        self.content.setdefault(f"rounds {what}".strip(), []).append(dict(figures))
        self.console.print(f"  {what} ".rstrip() + " " + " · ".join(f"{name} {number(figures[name])}" for name in names))

    def figures(self, spreads: Mapping[str, Spread], title: str = "median") -> None:
        """The medians over all rounds."""
        table = Table("figure", title, "low", "high", box=None, pad_edge=False)
        for name, each in spreads.items():
            table.add_row(name, number(each.median), number(each.low), number(each.high))
        self.console.print(table)
        self.content[title] = {name: asdict(each) for name, each in spreads.items()}

    def table(self, title: str, values: Mapping[str, float]) -> None:
        """Names and numbers."""
        table = Table(title, "", box=None, pad_edge=False)
        for name, value in values.items():
            table.add_row(name, number(value))
        self.console.print(table)
        self.content[title] = dict(values)

    def write(self, path: Path | None) -> None:
        """Write everything as JSON, when a place was named."""
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"name": self.name, "machine": dict(self.machine), **self.settings, **self.content}
        path.write_text(json.dumps(whole, indent=1, default=_plain) + "\n", encoding="utf-8")


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
