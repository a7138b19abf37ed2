"""What worlds have exercised: edges, strategy rows, notices, verbs of the store. And what they never reach.

A name that no world reaches is either here, with the reason, or a hole in the simulator.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bot.wiring.simulation.crew import GRAPH, NEXT
from engine.simulation.install import scripts
from states.vocabulary import NoticeKind

if TYPE_CHECKING:
    from bot.wiring.simulation.world import World

KINDS: Final = ("edge", "row", "notice", "verb")
EXCUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "verb health": "asked by `reelstate doctor` and the admin page, which no world has",
        "row sending/corrupted_video": "a video is probed before it is sent: this comes while generating",
        "row sending/bad_response": "the simulated Telegram answers well-formed JSON only",
    }
)
"""What worlds do not reach, and why."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One kind: how many of how many, and the names that nothing reached or excuses."""

    kind: str
    reached: int
    wanted: int
    missing: tuple[str, ...]
    excused: tuple[str, ...]


def seen(world: "World") -> Counter[str]:
    """How often a world exercised what, by `kind name`."""
    witness, found = world.witness, Counter[str]()
    found.update({f"edge {name}": n for name, n in witness.edges.items()})
    found.update({f"row {name}": n for name, n in witness.rows.items()})
    found.update({f"verb {name}": n for name, n in witness.verbs.items()})
    found.update(Counter(f"notice {kind}" for kind, _ in world.told.ids))
    return found


def wanted() -> dict[str, tuple[str, ...]]:
    """All names there are, kind by kind."""
    edges = dict.fromkeys(edge.id for graph in (GRAPH, NEXT.graph) for edge in graph.edges)
    return {
        "edge": tuple(edges),
        "row": tuple(f"{row.stage}/{row.reason}" for row in GRAPH.strategy.rows),
        "notice": tuple(kind.value for kind in NoticeKind),
        "verb": tuple(sorted(scripts().verbs)),
    }


def reached(found: Mapping[str, int]) -> list[Reached]:
    """What was reached of everything there is."""
    return [_of(kind, names, found) for kind, names in wanted().items()]


def _of(kind: str, names: Iterable[str], found: Mapping[str, int]) -> Reached:
    missed = [name for name in names if not found.get(f"{kind} {name}")]
    excused = tuple(name for name in missed if _excused(kind, name))
    total = len(tuple(names))
    missing = tuple(name for name in missed if name not in excused)
    return Reached(kind, total - len(missed), total, missing, excused)


def _excused(kind: str, name: str) -> bool:
    """A row that cannot be reached excuses its edges."""
    row = name.replace("/error/", "/").removesuffix("/free").removesuffix("/exhausted")
    return f"{kind} {name}" in EXCUSED or (kind == "edge" and f"row {row}" in EXCUSED)
