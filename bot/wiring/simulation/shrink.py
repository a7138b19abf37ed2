"""A failing seed made short: the few faults without which it does not fail (delta debugging).

Every fault has an id that does not depend on the others, so a world can be played again with any subset
of them. Zeller's ddmin finds a subset from which nothing can be left out without losing the violation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from bot.wiring.simulation.play import Played, play
from bot.wiring.simulation.world import Plan
from engine.simulation.wire import Wire


def shrink(found: Played, wire: Wire, *, tries: int = 300, until_s: float | None = None) -> Played:
    """The shortest script found that breaks the same invariant; `found` when there is no shorter one.

    `tries` worlds are played at most, none begins after `until_s` (of the monotonic clock).
    """
    search = _Search(found, wire, tries, until_s)
    search.fewer_jobs()
    if not search.fails(()):
        _ddmin(list(search.best.faults), search.fails)
    return search.best


@dataclass(slots=True)
class _Search:
    """The best script so far, and what may still be tried."""

    best: Played
    wire: Wire
    left: int
    until_s: float | None

    def fails(self, faults: Sequence[str]) -> bool:
        """Does the world still break the same invariant with these faults alone?"""
        return self._try(replace(self.best.plan, keep=frozenset(faults)))

    def fewer_jobs(self) -> None:
        """A world with fewer launches is the same world up to there."""
        for jobs in range(1, self.best.plan.jobs):
            if self._try(replace(self.best.plan, jobs=jobs)):
                return

    def _try(self, plan: Plan) -> bool:
        over = self.until_s is not None and monotonic() > self.until_s
        if self.left <= 0 or over or self.best.violation is None:
            return False
        self.left -= 1
        again = play(plan, self.wire)
        same = again.violation is not None and again.violation.invariant == self.best.violation.invariant
        if same:
            self.best = again
        return same


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
