"""Looks that cannot see anything new, answered without asking the server.

Idle workers look every five seconds, and most virtual time is waiting for renders. A look that found
nothing finds nothing again while no script has run that could have put something there, and while the time
it was told has not come: the answer would be the same. This saves most calls of a world.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.simulation.wire import Word

_SEEN: Final = frozenset(
    {
        "read",
        "history",
        "jobs",
        "account",
        "paused",
        "opens",
        "line",
        "parked",
        "live",
        "counts",
        "aside",
        "erased",
    }
)
_ALERTS: Final = frozenset({"alert_note", "alert_list", "alert_lease", "alert_told", "alert_end"})
_QUEUES: Final = frozenset({"queue_put", "queue_take", "queue_ack", "queue_nack", "queue_close"})
INERT: Final = {"claim": _SEEN | _ALERTS | _QUEUES | {"grant"}}
"""Scripts that cannot give this look something to find."""
_FOREVER_MS: Final = 10**15

_Place = tuple[str, Word]


@dataclass(slots=True)
class Memory:
    """What the last looks found. `places` tells where a script's arguments stand on the wire."""

    places: dict[str, dict[str, int]]
    empty: dict[str, dict[_Place, tuple[int, Any]]] = field(default_factory=lambda: {"claim": {}})
    open: set[tuple[str, tuple[Word, ...]]] = field(default_factory=set)
    claimed: set[Word] = field(default_factory=set)
    """Ids of claims that got a job: asked again, they get the same job again."""
    changes: int = 0
    """Counts scripts that may have changed something."""

    def recall(self, prefix: str, verb: str, words: Sequence[Word]) -> Any:
        """The answer as it would be, or None."""
        if verb == "opens":
            return b"0" if (prefix, tuple(words[5:])) in self.open else None
        place = self._place(prefix, verb, words)
        if place is None:
            return None
        until_ms, answer = self.empty[verb].get(place, (0, None))
        return answer if int(words[self.places[verb]["now"]]) < until_ms else None

    def keep(self, prefix: str, verb: str, words: Sequence[Word], answer: Any) -> None:
        """Note what a look found, or that something may have changed."""
        if verb == "opens":
            if answer == b"0":  # what is open is not closed by time alone
                self.open.add((prefix, tuple(words[5:])))
            return
        place = self._place(prefix, verb, words)
        if verb == "claim" and answer[0] == b"job":
            self.claimed.add(words[self.places[verb]["claim_id"]])
        if place is not None and answer[0] == b"idle":
            due = answer[1]
            self.empty[verb][place] = (int(float(due)) if due else _FOREVER_MS, answer)
            return
        self.changes += 1
        self.open = {key for key in self.open if key[0] != prefix}
        for look, found in self.empty.items():
            if verb not in INERT[look]:
                found.clear()

    def _place(self, prefix: str, verb: str, words: Sequence[Word]) -> _Place | None:
        """What a look depends on besides the store; None when this is no look that may be remembered."""
        if verb == "claim" and words[self.places[verb]["claim_id"]] not in self.claimed:
            return prefix, words[self.places[verb]["queued_ok"]]
        return None  # an empty take is no mere look: the store remembers its id
