"""Rounds into one figure each: medians, with the spread beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The rounds of one figure."""

    median: float
    low: float
    high: float


def spread(rounds: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Figure by figure over all rounds that have it. ValueError without a round."""
    if not rounds:
        raise ValueError("no round was measured")
    names = [name for name in rounds[0] if all(name in each for each in rounds)]
    columns = {name: [each[name] for each in rounds] for name in names}
    return {name: Spread(median(values), min(values), max(values)) for name, values in columns.items()}


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of 100 values do not exceed (nearest rank). ValueError for none."""
    if not values:
        raise ValueError("no value was measured")
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[min(len(ordered), int(rank)) - 1]
