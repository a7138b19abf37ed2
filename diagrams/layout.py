"""Where everything stands. Layouts are committed by the scene's digest; painting needs no engine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from diagrams.scene import Scene
from states.vocabulary import State

LAYOUTS = Path(__file__).parent / "layout"
"""The committed layouts."""


class NoLayoutError(LookupError):
    """This graph has no committed layout and the layout engine is not installed."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in px, y downwards."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        """Its centre."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def overlaps(self, other: "Box", gap: float = 0.0) -> bool:
        """Do the two share an area, or come closer than `gap` px?"""
        return (
            self.x < other.x + other.width + gap
            and other.x < self.x + self.width + gap
            and self.y < other.y + other.height + gap
            and other.y < self.y + self.height + gap
        )

    def crossed_by(self, a: Point, b: Point) -> bool:
        """Does the axis-parallel segment a-b enter the rectangle?"""
        left, right = sorted((a.x, b.x))
        top, bottom = sorted((a.y, b.y))
        return (
            left < self.x + self.width and right > self.x and top < self.y + self.height and bottom > self.y
        )


@dataclass(frozen=True)
class Layout:
    """Boxes of states and label blocks, and the corner points of arrows, keyed as in the scene."""

    size: Point
    states: Mapping[State, Box]
    labels: Mapping[str, Box]
    arrows: Mapping[str, tuple[Point, ...]]
    dot: Point

    def as_json(self) -> str:
        """The committed form: one object a line, sorted."""
        data = {
            "size": [self.size.x, self.size.y],
            "dot": [self.dot.x, self.dot.y],
            "states": {s.value: [b.x, b.y, b.width, b.height] for s, b in self.states.items()},
            "labels": {k: [b.x, b.y, b.width, b.height] for k, b in self.labels.items()},
            "arrows": {k: [[p.x, p.y] for p in points] for k, points in self.arrows.items()},
        }
        return _lines(data)


def _lines(data: Mapping[str, Any]) -> str:
    """JSON with one entry a line, so that a review shows what moved."""
    out = []
    for name in sorted(data):
        value = data[name]
        if isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(value.items()))
            out.append(f"{json.dumps(name)}: {{\n{rows}\n}}")
        else:
            out.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(out) + "\n}\n"


def layout_from(text: str) -> Layout:
    """Read a layout back. Raises ValueError for anything else."""
    data = json.loads(text)
    return Layout(
        size=Point(*data["size"]),
        dot=Point(*data["dot"]),
        states=MappingProxyType({State(k): Box(*v) for k, v in data["states"].items()}),
        labels=MappingProxyType({k: Box(*v) for k, v in data["labels"].items()}),
        arrows=MappingProxyType({k: tuple(Point(*p) for p in v) for k, v in data["arrows"].items()}),
    )


def find_layout(what: Scene, folder: Path | None = None) -> Layout:
    """The committed layout of a scene, else a fresh one from the engine.

    `folder`: where committed layouts are (default: this package's). Raises NoLayoutError when there
    is neither.
    """
    kept = (folder or LAYOUTS) / f"{what.digest}.json"
    if kept.is_file():
        return layout_from(kept.read_text(encoding="utf-8"))
    from diagrams.elk import place as compute  # noqa: PLC0415 - an optional extra, needed for new graphs only

    return compute(what)
