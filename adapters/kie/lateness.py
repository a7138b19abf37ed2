"""What a polling schedule costs: how late a result is found, with how many calls. Worked out, not awaited."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Final

from adapters.kie.catalogue import Model
from adapters.kie.schedule import Schedule

LOOKS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Spread:
    """How long renders of a model take: log-normal around its usual time (`sigma` 0.2: mostly ±20 %)."""

    name: str
    sigma: float
    stretch: float = 1.0
    """The provider is that much slower (or faster) than the catalogue believes."""


SPREADS: Final = (
    Spread("steady", 0.10),
    Spread("as measured", 0.22),  # the widest on record: Seedance 2, 154-313 s
    Spread("erratic", 0.40),
    Spread("half slower than believed", 0.22, 1.5),
    Spread("a third faster than believed", 0.22, 0.67),
)


@dataclass(frozen=True, slots=True)
class Polled:
    """Means over many renders. `late` and `late_worst` are shares of the render time."""

    model: str
    spread: str
    late: float
    late_worst: float
    late_s: float
    calls: float
    calls_worst: int


def polled(schedule: Schedule, model: Model, spread: Spread, renders: int, seed: int) -> Polled:
    """Let that many renders be watched by the schedule."""
    dice = Random(f"{seed}:{model.id}:{spread.name}")  # noqa: S311 - a seed, not a secret
    found = [
        watch(schedule, model, model.expected_s * spread.stretch * dice.lognormvariate(0, spread.sigma))
        for _ in range(renders)
    ]
    shares = [late_s / taken_s for taken_s, late_s, _ in found]
    return Polled(
        model=model.id,
        spread=spread.name,
        late=fmean(shares),
        late_worst=_high(shares),
        late_s=fmean(late_s for _, late_s, _ in found),
        calls=fmean(calls for _, _, calls in found),
        calls_worst=round(_high([calls for _, _, calls in found])),
    )


def watch(schedule: Schedule, model: Model, takes_s: float) -> tuple[float, float, int]:
    """One render of `takes_s` seconds: that, how late it is found (s), after how many looks."""
    at_s, looks = schedule.first_s(model), 1
    while at_s < takes_s:
        at_s += schedule.next_s(model, at_s)
        looks += 1
        if looks > LOOKS_MAX:
            raise RuntimeError(f"the schedule of {model.id} does not end: {looks} looks in {at_s:.0f} s")
    return takes_s, at_s - takes_s, looks


def _high(values: Sequence[float]) -> float:
    """The 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
