"""What goes wrong, decided by the seed and by names, never by the order of things.

Each place where something may go wrong asks with its own name and a count. The answer depends on the seed,
the name and the count alone: leaving one fault out does not shuffle all the others. That is what lets a
failing seed be shrunk to the few faults that matter.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

Odds = Mapping[str, float]
"""Kinds of faults with their chances; together below 1."""

_RANGE = float(1 << 64)
FOCUSED, STUBBORN = 0.65, 0.92
"""How often the fault in focus happens where it can; in every second seed it hardly lets anything through."""


@dataclass(slots=True)
class Fate:
    """One seed's fate. `keep`: only faults of these ids happen (a shrunk script); None = all.

    `calm` ends all trouble. `families`: how much each family of faults rages in this seed (0 = not at
    all): worlds in which one thing goes very wrong find more than worlds in which all goes a bit wrong.
    """

    seed: int
    keep: frozenset[str] | None = None
    calm: bool = False
    families: Mapping[str, float] = field(default_factory=dict)
    focus: tuple[str, str] = ("", "")
    """(family, kind): this one fault happens most of the time, so that patience runs out."""
    fired: dict[str, str] = field(default_factory=dict)
    """Faults that happened, in order: id -> kind."""
    _asked: Counter[str] = field(default_factory=Counter)

    def number(self, name: str) -> float:
        """A number in [0, 1) that belongs to this name."""
        digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / _RANGE

    def dice(self, name: str) -> Random:
        """A source of its own for this name."""
        digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest()
        return Random(int.from_bytes(digest, "big"))  # noqa: S311 - repeatable on purpose

    def draw(self, family: str, place: str, odds: Odds) -> str:
        """What goes wrong at this place this time; "" = nothing."""
        self._asked[place] += 1
        rage = self.families.get(family, 1.0)
        if self.calm or rage <= 0:
            return ""
        name = f"{family} {place}#{self._asked[place]}"
        left = self.number(name)
        focused = self.focus[1] if self.focus[0] == family else ""
        share = STUBBORN if focused and self.number("stubborn") < 0.5 else FOCUSED
        for kind, chance in odds.items():
            left -= share if kind == focused else chance * rage * (0.3 if focused in odds else 1.0)
            if left < 0:
                return kind if self.happens(f"{name}={kind}", f"{family}.{kind}") else ""
        return ""

    def happens(self, fault: str, kind: str) -> bool:
        """Let a fault of this id happen, unless the script leaves it out."""
        if self.keep is not None and fault not in self.keep:
            return False
        self.fired[fault] = kind
        return True

    def counts(self) -> Counter[str]:
        """How many faults of each kind happened."""
        return Counter(self.fired.values())
