"""What effects amount to: refunds, notices, retries, credits, paid attempts."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from states.vocabulary import Trigger


class Measure(StrEnum):
    """What is counted on both sides."""

    REFUNDS = "refunds"
    NOTICES = "notices"
    RETRIES = "retries"
    RELEASED = "credits released"
    CAPTURED = "credits captured"
    PAID = "paid attempts"
    DELIVERED = "videos delivered"


def tally(into: Counter[Measure], words: Iterable[str], event: str) -> None:
    """Add what a move's effects amount to."""
    for word in words:
        name, _, rest = word.partition(":")
        if name == "notify":
            into[Measure.NOTICES] += 1
        elif name == "retry":
            into[Measure.RETRIES] += 1
        elif name == "release":
            into[Measure.REFUNDS] += 1
            into[Measure.RELEASED] += int(rest.partition(":")[0])
        elif name == "capture":
            into[Measure.CAPTURED] += int(rest.partition(":")[0])
    if event == Trigger.ACCEPTED:
        into[Measure.PAID] += 1
    elif event == Trigger.DELIVERED:
        into[Measure.DELIVERED] += 1


def notified(words: Iterable[str]) -> frozenset[str]:
    """Kinds of the notices among effects."""
    return frozenset(word.split(":")[1] for word in words if word.startswith("notify:"))


def but_waits(words: Iterable[str]) -> list[str]:
    """Effects without the waits before retries."""
    return [word for word in words if not word.startswith("retry:")]
