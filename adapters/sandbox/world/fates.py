"""What the outside world asks of fate (the simulation's `Fate`, or a test's own)."""

from collections.abc import Mapping
from typing import Protocol


class Fates(Protocol):
    """Decides what goes wrong, by names."""

    def draw(self, family: str, place: str, odds: Mapping[str, float]) -> str:
        """What goes wrong at this place this time; "" = nothing."""
        ...

    def number(self, name: str) -> float:
        """A number in [0, 1) that belongs to this name."""
        ...
