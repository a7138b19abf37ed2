"""Looks that cannot see anything new, answered without asking the server.

Idle workers look every five seconds, and most virtual time is waiting for renders. A claim that found
nothing finds nothing again while no script has run in its partition and its next timer is not due; a
provider that was open stays open, since time alone closes nothing. Both answers would be the same, and the
scripts would have written nothing: this saves four of five calls without leaving a step out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.simulation.wire import Word

_NOW: Final = 2
_QUEUED_OK: Final = 4
"""Places in the wire arguments of `claim` (a test pins them to the script's header)."""


@dataclass(slots=True)
class Memory:
    """What the last looks found. Any other script in a partition makes it forget that partition."""

    idle: dict[tuple[str, Word], tuple[int, Any]] = field(default_factory=dict)
    open: set[tuple[str, tuple[Word, ...]]] = field(default_factory=set)
    changes: int = 0
    """Counts scripts that may have changed something."""

    def recall(self, prefix: str, verb: str, words: Sequence[Word]) -> Any:
        """The answer as it would be, or None."""
        if verb == "claim":
            until_ms, answer = self.idle.get((prefix, words[4 + _QUEUED_OK]), (0, None))
            return answer if int(words[4 + _NOW]) < until_ms else None
        if verb == "opens" and (prefix, tuple(words[5:])) in self.open:
            return b"0"
        return None

    def keep(self, prefix: str, verb: str, words: Sequence[Word], answer: Any) -> None:
        """Note what a look found, or that something may have changed."""
        if verb == "opens":
            if answer == b"0":
                self.open.add((prefix, tuple(words[5:])))
            return
        if verb == "claim" and answer[0] == b"idle":
            due_ms = float(answer[1]) if answer[1] else float("inf")
            self.idle[prefix, words[4 + _QUEUED_OK]] = (int(min(due_ms, 1e15)), answer)
            return
        self.changes += 1
        self.idle = {key: kept for key, kept in self.idle.items() if key[0] != prefix}
        self.open = {key for key in self.open if key[0] != prefix}
