"""Numbers over a sliding window of the feed: rates, a line of moves, time in state. Its size is bounded."""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from diagrams.live.source import Move
from states.vocabulary import TERMINALS, State

WINDOW_MS: Final = 300_000
BARS: Final = 60
"""Bars of the line of moves over the window."""
STAYS_KEPT: Final = 512
"""Latest stays of each state that p50 and p95 are taken from."""
JOBS_KEPT: Final = 50_000
"""Jobs whose last move is remembered, to know how long they stayed."""
_MINUTE_MS: Final = 60_000
_BAR_MS: Final = WINDOW_MS // BARS
_WORDS: Final = ("moves", "started", "retries", "done", "refunds", "failed")
_TARGETS: Final[Mapping[str, str]] = {
    State.RETRY_WAIT: "retries",
    State.DONE: "done",
    State.REFUNDED: "refunds",
    State.FAILED: "failed",
}


class Pulse:
    """Take every move once, in order; ask for numbers as of a moment."""

    def __init__(self) -> None:
        self._bars: deque[tuple[int, Counter[str]]] = deque()
        self._since: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._stays: dict[str, deque[tuple[int, int]]] = {}

    def take(self, move: Move) -> None:
        """Count a move."""
        bar = move.ms // _BAR_MS
        if not self._bars or bar > self._bars[-1][0]:
            self._bars.append((bar, Counter()))
            while self._bars[0][0] <= bar - BARS:
                self._bars.popleft()
        count = self._bars[-1][1]
        count["moves"] += 1
        count["started"] += not move.source
        if move.target in _TARGETS and move.source != move.target:
            count[_TARGETS[move.target]] += 1
        count[f"e:{move.edge}"] += 1
        self._stay(move)

    def _stay(self, move: Move) -> None:
        state, since_ms = self._since.get(move.job, ("", 0))
        if state and state != move.target:
            stays = self._stays.setdefault(state, deque(maxlen=STAYS_KEPT))
            stays.append((move.ms, max(0, move.ms - since_ms)))
        if move.target in TERMINALS:
            self._since.pop(move.job, None)
        elif state != move.target:
            self._since[move.job] = (move.target, move.ms)
            self._since.move_to_end(move.job)
            if len(self._since) > JOBS_KEPT:
                self._since.popitem(last=False)

    def rates(self, now_ms: int) -> Mapping[str, int]:
        """Moves, starts, retries, deliveries, refunds a minute over the last minute."""
        last = [count for bar, count in self._bars if bar > (now_ms - _MINUTE_MS) // _BAR_MS]
        return {word: sum(count[word] for count in last) for word in _WORDS}

    def edges(self, now_ms: int) -> Mapping[str, int]:
        """How often each edge was taken within the window."""
        total: Counter[str] = Counter()
        for bar, count in self._bars:
            if bar > now_ms // _BAR_MS - BARS:
                total.update({name[2:]: n for name, n in count.items() if name.startswith("e:")})
        return total

    def line(self, now_ms: int) -> Sequence[Sequence[int]]:
        """Moves, retries and refunds of each bar of the window, oldest first."""
        by_bar = dict(self._bars)
        newest = now_ms // _BAR_MS
        bars = (by_bar.get(newest - BARS + 1 + n, Counter[str]()) for n in range(BARS))
        return [[count["moves"], count["retries"], count["refunds"] + count["failed"]] for count in bars]

    def stays(self, now_ms: int) -> Mapping[str, Mapping[str, int]]:
        """p50 and p95 of the time in each state, ms, of those who left it within the window."""
        found = {}
        for state, stays in self._stays.items():
            recent = sorted(stay for at_ms, stay in stays if at_ms > now_ms - WINDOW_MS)
            if recent:
                found[state] = {"p50": _rank(recent, 0.5), "p95": _rank(recent, 0.95), "n": len(recent)}
        return found

    def numbers(self, now_ms: int) -> dict[str, Any]:
        """All of it."""
        return {
            "rates": self.rates(now_ms),
            "line": self.line(now_ms),
            "stays": self.stays(now_ms),
            "recent": self.edges(now_ms),
        }


def _rank(ordered: Sequence[int], part: float) -> int:
    """The nearest-rank percentile: a value that really happened."""
    return ordered[max(ceil(part * len(ordered)) - 1, 0)]
