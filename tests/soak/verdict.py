"""What a soak has shown: what grew, what stayed behind, what went unanswered. Empty lists are good news."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import linear_regression, mean
from typing import Any, Final

from tests.soak.gauges import permanent

Samples = Sequence[Mapping[str, Any]]
RSS_MB: Final = 6.0
RSS_SHARE: Final = 0.05
"""What resident memory may grow from the first to the last quarter: the larger of the two."""
STORE_MB: Final = 1.0
STORE_SHARE: Final = 0.10
KEYS: Final = 200
KEYS_SHARE: Final = 0.25
LONG_LIVED: Final = ("bot", "steady")
"""Processes that nobody kills, so that their memory says something."""
PER_JOB: Final = frozenset({"j", "d", "p", "h", "hi", "ha", "i", "uj"})
"""Keys that go with their job."""


def growth(samples: Samples, value: Callable[[Mapping[str, Any]], float]) -> dict[str, float]:
    """Means of the first and the last quarter, and the slope of a straight line through all, per hour."""
    line = [(s["at_s"] / 3600, value(s)) for s in samples]
    quarter = max(1, len(line) // 4)
    slope = linear_regression(*zip(*line, strict=True)).slope if len(line) > 2 else 0.0
    first, last = mean(y for _, y in line[:quarter]), mean(y for _, y in line[-quarter:])
    return {"first": round(first, 2), "last": round(last, 2), "per_hour": round(slope, 2)}


def figures(samples: Samples) -> dict[str, dict[str, float]]:
    """The growth of everything that should not grow."""
    kinds = sorted({kind for sample in samples for kind in sample["keys"]} - {"l"})
    found = {f"rss {name}": growth(samples, lambda s, n=name: s["rss_mb"][n]) for name in LONG_LIVED}  # type: ignore[misc]
    found["store without ledger"] = growth(samples, lambda s: s["store_mb"] - s["ledger_mb"])
    for kind in kinds:
        found[f"keys {kind}"] = growth(samples, lambda s, k=kind: float(s["keys"].get(k, 0)))  # type: ignore[misc]
    return found


def grown(found: Mapping[str, Mapping[str, float]], users: int) -> list[str]:
    """What grew beyond what a steady state explains, and a small fact of each user who came since."""
    return [
        f"{name} grew from {seen['first']} to {seen['last']}"
        for name, seen in found.items()
        if seen["last"] - seen["first"] > max(_room(name, users)[0], _room(name, users)[1] * seen["first"])
    ]


def _room(name: str, users: int) -> tuple[float, float]:
    if name == "keys u":
        return users, 0.0
    if name.startswith("rss"):
        return RSS_MB, RSS_SHARE
    return (STORE_MB, STORE_SHARE) if name.startswith("store") else (KEYS, KEYS_SHARE)


def left_behind(last: Mapping[str, Any]) -> list[str]:
    """Keys of the last look, when every job had ended and its time had run out, that should not be there."""
    stayed = [f"{n} keys of kind {kind}" for kind, n in last["keys"].items() if kind in PER_JOB]
    endless = [
        f"{n} keys of kind {kind} have no end"
        for kind, n in last["endless"].items()
        if not permanent(kind) and kind not in PER_JOB
    ]
    return stayed + endless


def sentences(problems: Iterable[str]) -> str:
    """For a person."""
    found = list(problems)
    return "\n".join(f"  {each}" for each in found) if found else "  nothing"
