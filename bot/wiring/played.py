"""What came of a play, and how it compares with what its scenario promises."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.sandbox.story import Deed, Scenario
from adapters.video import VideoFacts
from bot.wiring.customer import Shown
from engine.values import Account, Entry
from states.job import Job
from states.vocabulary import NoticeKind


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for the timeline. `at_s` clock seconds since the story began.

    `what`: move, money, told, deed or note.
    """

    at_s: float
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Film:
    """The delivered video, saved and opened."""

    path: Path
    facts: VideoFacts | None
    """None: it is no playable video."""


@dataclass(slots=True)
class Played:
    """A story that was played. `differences` is empty when it ended as its scenario says."""

    name: str
    scenario: Scenario
    job: Job | None = None
    before: Account = field(default_factory=lambda: Account(0, 0))
    after: Account = field(default_factory=lambda: Account(0, 0))
    creates: int = 0
    accepted: int = 0
    told: tuple[NoticeKind, ...] = ()
    """Notices in order, without the edits of the status message."""
    saw: list[Shown] = field(default_factory=list)
    """Everything the bot showed, in order."""
    pushes: int = 0
    """Push notifications since the launch: bells, and answers to what the person wrote."""
    failures: int = 0
    history: list[dict[str, object]] = field(default_factory=list)
    statement: list[Entry] = field(default_factory=list)
    film: Film | None = None
    copies: int = 0
    alerts: list[str] = field(default_factory=list)
    """What the operator was told."""
    gave_up: str = ""
    """What was waited for in vain."""
    differences: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """What the user saw, in order."""
        return [str(shown) for shown in self.saw]


_LOOSE: Final = frozenset({"creates", "accepted tasks", "failures", "alerts"})
"""What a scenario may leave open with None."""


def compare(played: Played) -> list[str]:
    """How the play differs from its scenario, one sentence each."""
    expected, job = played.scenario.expected, played.job
    price = job.cost if job is not None else 0
    pushes = sum(kind in (NoticeKind.BELL, NoticeKind.LATE_VIDEO) for kind in expected.told)
    pushes += sum(act.deed is Deed.RETURN for act in played.scenario.acts)  # the bot answers their /start
    checks = (
        ("end state", job.state if job is not None else None, expected.end),
        (
            "told",
            [kind.value for kind in expected.counted(played.told)],
            [kind.value for kind in expected.told],
        ),
        ("push notifications", played.pushes, pushes),
        ("creates", played.creates, expected.creates),
        ("accepted tasks", played.accepted, expected.accepted),
        ("failures", played.failures, expected.failures),
        ("alerts", len(played.alerts), expected.alerts),
        ("balance change", played.after.balance - played.before.balance, expected.balance_change * price),
        ("credits still held", played.after.held, 0),
        ("copies of the video", played.copies, expected.copies),
    )
    found = [
        f"{name}: {got!r}, expected {wanted!r}"
        for name, got, wanted in checks
        if got != wanted and not (wanted is None and name in _LOOSE)
    ]
    return [*found, f"gave up waiting for {played.gave_up}"] if played.gave_up else found
