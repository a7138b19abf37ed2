"""What has to be placed: boxes and label blocks with their sizes, and the digest a layout is kept under."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from diagrams.labels import Pair, pairs
from diagrams.metrics import LINE_PX, STATE_PX, width
from states.graph import Graph
from states.vocabulary import State

STATE_HEIGHT = 40.0
_PORT_PX, _PADDING_PX, _GRID_PX = 22.0, 22.0, 8
_COUNT_PX, _CREDITS_PX = 52.0, 124.0
BADGE_PX = 19.0
"""Room kept under each label block for an overlay's badges."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in px."""

    width: float
    height: float


@dataclass(frozen=True)
class Scene:
    """Everything of a graph that the placing depends on; colours, counts and edge ids are not."""

    states: Mapping[State, Size]
    pairs: tuple[Pair, ...]
    blocks: Mapping[str, Size]

    @property
    def digest(self) -> str:
        """16 hex digits over the structure: the name of the committed layout file."""
        data = {
            "states": [[s.value, b.width, b.height] for s, b in self.states.items()],
            "pairs": [
                [p.key, p.kind.value, self.blocks[p.key].width, self.blocks[p.key].height] for p in self.pairs
            ],
        }
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def scene(graph: Graph) -> Scene:
    """Measure a graph."""
    return scene_of(pairs(graph))


def scene_of(arrows: tuple[Pair, ...]) -> Scene:
    """Measure these arrows (a diff lays out the arrows of two graphs together)."""
    states = {state: _state_size(state, arrows) for state in State}
    blocks = {pair.key: _block_size(pair) for pair in arrows}
    return Scene(MappingProxyType(states), arrows, MappingProxyType(blocks))


def _state_size(state: State, arrows: tuple[Pair, ...]) -> Size:
    into = sum(1 for p in arrows if p.target is state)
    out = sum(1 for p in arrows if p.source is state)
    name = width(state.value, STATE_PX, bold=True) + 2 * _PADDING_PX
    return Size(ceil(max(name, _PORT_PX * (max(into, out) + 1))), STATE_HEIGHT)


def _block_size(pair: Pair) -> Size:
    """Widths are rounded up to a coarse grid, so that a changed number seldom needs a new layout."""
    room = _CREDITS_PX if pair.edges[0].money is not None else _COUNT_PX
    widest = max(room, *(line.width_px for line in pair.lines))
    return Size(ceil((widest + 4) / _GRID_PX) * _GRID_PX, len(pair.lines) * LINE_PX + BADGE_PX)
