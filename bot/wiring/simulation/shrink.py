"""A failing seed made short: the few faults without which it does not fail (delta debugging).

Every fault has an id that does not depend on the others, so a world can be played again with any subset
of them. Zeller's ddmin finds a subset from which nothing can be left out without losing the violation.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.wiring.simulation.play import Played, play
from engine.simulation.wire import Wire


def shrink(
    found: Played, wire: Wire, *, tries: int = 300, progress: Callable[[int, int], None] | None = None
) -> Played:
    """The shortest script found in so many tries that breaks the same invariant; else `found`."""
    best, left = found, tries

    def fails(faults: Sequence[str]) -> bool:
        nonlocal best, left
        if left <= 0 or found.violation is None:
            return False
        left -= 1
        again = play(replace(found.plan, keep=frozenset(faults)), wire)
        if again.violation is None or again.violation.invariant != found.violation.invariant:
            return False
        if len(again.faults) <= len(best.faults):
            best = again
        if progress is not None:
            progress(tries - left, len(best.faults))
        return True

    for jobs in range(1, found.plan.jobs):
        again = play(replace(found.plan, jobs=jobs), wire)
        if again.violation and found.violation and again.violation.invariant == found.violation.invariant:
            found = best = again
            break
    if fails(()):
        return best
    _ddmin(list(found.faults), fails)
    return best


def _ddmin(faults: list[str], fails: Callable[[Sequence[str]], bool]) -> None:
    parts = 2
    while len(faults) >= 2:
        size = -(-len(faults) // parts)
        chunks = [faults[at : at + size] for at in range(0, len(faults), size)]
        for at in range(len(chunks)):
            rest = [fault for n, chunk in enumerate(chunks) if n != at for fault in chunk]
            if fails(rest):
                faults, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                return
            parts = min(len(faults), parts * 2)
