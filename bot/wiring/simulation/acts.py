"""The script of a world: who does what and when, drawn from the seed before anything begins.

Launches are the story; everything else is trouble that may be left out when a failing seed is shrunk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from engine.simulation.fate import Fate

USERS: Final = tuple(range(101, 107))
WORKERS: Final = ("w1", "w2", "w3")
FRONT: Final = "front"
LAUNCH_S: Final = 5.0
LAUNCHES_A_SPELL: Final = 20
SPELL_S: Final = 240.0
"""Trouble with processes, store and operator is drawn spell by spell."""
OUTAGE_S: Final = 900
"""How long the operator may take to mend what only they can; six times that when they sleep."""
FAMILIES: Final = ("store", "provider", "telegram", "process", "user", "operator", "clock", "versions")


class Deed(StrEnum):
    """What can be done to a world."""

    LAUNCH = "launch"
    TAP_AGAIN = "tap again"
    CANCEL = "cancel"
    DELETE = "delete the status message"
    BLOCK = "block the bot"
    RETURN = "come back"
    REDELIVER = "get my video"
    OLD_BUTTON = "press an old button"
    STRANGER = "press another user's button"
    LOOK = "look around"
    ERASE = "delete my data"
    KILL = "kill"
    STOP = "stop"
    FREEZE = "freeze"
    CUT = "cut off from the store"
    OUTAGE = "store away"
    FLUSH = "script flush"
    JUMP = "clock jump"
    EMPTY = "provider balance empty"
    DEAD_KEY = "provider key dead"
    RETIRED = "model retired"
    PAUSE = "pause launches"
    UNPAUSE = "let launches go on"
    GRANT = "give credits"
    TAKE = "take credits"
    ASIDE = "set a job aside"
    MIGRATE = "move jobs to another graph"
    BACK = "release what was set aside"


@dataclass(frozen=True, slots=True)
class Act:
    """One deed at a time (virtual seconds). `who`: a process, a user or a key; `job`: a launch's number."""

    at_s: float
    deed: Deed
    who: str = ""
    job: int = 0
    span_s: float = 0.0

    @property
    def id(self) -> str:
        """Its name in a script of faults."""
        job = f" job {self.job}" if self.job else ""
        span = f" for {self.span_s:.1f} s" if self.span_s else ""
        return f"{self.at_s:.2f} s: {self.who + ' ' if self.who else ''}{self.deed}{job}{span}"


def families(seed: int) -> dict[str, float]:
    """How each family of faults rages in this seed: often not at all, sometimes thrice."""
    dice = Fate(seed).dice("families")
    return {name: dice.choice((0.0, 0.5, 1.0, 1.0, 3.0)) for name in FAMILIES}


def focus(seed: int, kinds: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The one fault that this seed is about: in every second seed there is one."""
    dice = Fate(seed).dice("focus")
    return dice.choice(kinds) if dice.random() < 0.5 else ("", "")


def written(fate: Fate, jobs: int) -> list[Act]:
    """The whole script of a seed with so many launches, by time. Fewer launches: the same, but shorter."""
    acts: list[Act] = []
    for job in range(1, jobs + 1):
        dice = fate.dice(f"job {job}")
        acts += _of_job(dice, job, job * LAUNCH_S + dice.random() * 40, fate.families["user"])
    for spell in range(-(-jobs // LAUNCHES_A_SPELL)):
        begin_s, rage = spell * SPELL_S, fate.families
        acts += _of_processes(fate.dice(f"processes {spell}"), begin_s, rage["process"])
        acts += _of_store(fate.dice(f"store acts {spell}"), begin_s, rage["store"])
        acts += _of_operator(fate.dice(f"operator {spell}"), begin_s, rage["operator"])
        acts += _of_versions(fate.dice(f"versions {spell}"), begin_s, rage["versions"])
        acts += _of_clocks(fate.dice(f"clocks {spell}"), begin_s, rage["clock"])
    return sorted(acts, key=lambda act: (act.at_s, act.id))


def _of_job(dice: Random, job: int, at_s: float, rage: float) -> Iterator[Act]:
    user = str(dice.choice(USERS))
    yield Act(at_s, Deed.LAUNCH, user, job)
    rolls = [dice.random() for _ in range(4)]
    spans = [dice.random() for _ in range(7)]
    if rolls[0] < 0.3 * rage:
        yield Act(at_s + spans[0] * 0.5, Deed.TAP_AGAIN, user, job)
        yield Act(at_s + spans[1] * 20, Deed.TAP_AGAIN, user, job)
    if rolls[1] < 0.2 * rage:
        yield Act(at_s + spans[2] ** 3 * 300, Deed.CANCEL, user, job)
    if rolls[2] < 0.1 * rage:
        yield Act(at_s + spans[3] * 150, Deed.DELETE, user, job)
    if rolls[3] < 0.12 * rage:
        blocked_s = at_s + spans[4] * 150
        yield Act(blocked_s, Deed.BLOCK, user)
        if spans[5] < 0.85:
            yield Act(blocked_s + 10 + spans[6] ** 2 * 1500, Deed.RETURN, user)
    yield from _of_buttons(dice, Act(at_s, Deed.LAUNCH, user, job), rage)


def _of_buttons(dice: Random, launch: Act, rage: float) -> Iterator[Act]:
    """What is pressed later: under one's own old messages, twice, or by somebody else."""
    at_s, user, job = launch.at_s, launch.who, launch.job
    rolls, spans = [dice.random() for _ in range(4)], [dice.random() for _ in range(5)]
    if rolls[0] < 0.15:
        again_s = at_s + 100 + spans[0] * 900
        yield Act(again_s, Deed.REDELIVER, user, job)
        if spans[1] < 0.5 * rage:
            yield Act(again_s + 0.5, Deed.REDELIVER, user, job)
    if rolls[1] < 0.15 * rage:
        yield Act(at_s + spans[2] * 1500, Deed.OLD_BUTTON, user, job)
    if rolls[2] < 0.08 * rage:
        yield Act(at_s + spans[3] * 200, Deed.STRANGER, str(USERS[int(user) % len(USERS)]), job)
    if rolls[3] < 0.1:
        yield Act(at_s + spans[4] * 300, Deed.LOOK, user, job)
    if dice.random() < 0.06 * rage:
        yield Act(at_s + dice.random() * 1200, Deed.ERASE, user)


def _many(dice: Random, expected: float) -> int:
    return int(expected + dice.random())


def _of_processes(dice: Random, begin_s: float, rage: float) -> Iterator[Act]:
    for deed, expected, names in (
        (Deed.KILL, 2.5, (*WORKERS, FRONT)),
        (Deed.STOP, 1.2, WORKERS),
        (Deed.FREEZE, 2.5, (*WORKERS, FRONT)),
    ):
        for _ in range(_many(dice, expected * rage)):
            pause_s = 2 + 60 * dice.random() ** 2
            yield Act(begin_s + dice.random() * SPELL_S * 1.4, deed, dice.choice(names), span_s=pause_s)
    if dice.random() < 0.12 * rage:  # a night in which nobody works
        yield Act(
            begin_s + dice.random() * SPELL_S, Deed.KILL, " ".join(WORKERS), span_s=200 + 500 * dice.random()
        )


def _of_store(dice: Random, begin_s: float, rage: float) -> Iterator[Act]:
    for deed, expected in ((Deed.OUTAGE, 1.0), (Deed.FLUSH, 1.0)):
        for _ in range(_many(dice, expected * rage)):
            yield Act(begin_s + dice.random() * SPELL_S * 1.4, deed, span_s=1 + 60 * dice.random() ** 3)
    if dice.random() < 0.15 * rage:
        yield Act(begin_s + dice.random() * SPELL_S, Deed.OUTAGE, span_s=100 + 500 * dice.random())
    for _ in range(_many(dice, 2.0 * rage)):
        pause_s = 2 + 60 * dice.random() ** 2
        yield Act(
            begin_s + dice.random() * SPELL_S * 1.4, Deed.CUT, dice.choice((*WORKERS, FRONT)), span_s=pause_s
        )


def _of_operator(dice: Random, begin_s: float, rage: float) -> Iterator[Act]:
    for deed, expected, names, longest_s in (
        (Deed.EMPTY, 0.25, ("",), OUTAGE_S),
        (Deed.RETIRED, 0.15, ("",), OUTAGE_S),
        (Deed.DEAD_KEY, 0.25, ("k1", "k2", "k1 k2"), OUTAGE_S),
        (Deed.PAUSE, 0.2, ("",), 60),
        (Deed.ASIDE, 0.2, ("",), 300),
    ):
        if dice.random() < expected * rage:
            asleep = longest_s >= OUTAGE_S and dice.random() < 0.3
            span_s = 10 + (6 if asleep else 1) * longest_s * dice.random()
            yield Act(begin_s + dice.random() * SPELL_S, deed, dice.choice(names), span_s=span_s)
    for deed, expected in ((Deed.GRANT, 0.5), (Deed.TAKE, 0.5)):
        for _ in range(_many(dice, expected * rage)):
            yield Act(begin_s + dice.random() * SPELL_S, deed, str(dice.choice(USERS)))


def _of_versions(dice: Random, begin_s: float, rage: float) -> Iterator[Act]:
    for _ in range(_many(dice, 1.2 * rage)):
        yield Act(begin_s + dice.random() * SPELL_S * 1.4, Deed.MIGRATE)


def _of_clocks(dice: Random, begin_s: float, rage: float) -> Iterator[Act]:
    for _ in range(_many(dice, 1.2 * rage)):
        jump_s = (0.05, 2.0, 20.0)[int(dice.random() * 3)] * (1.5 * dice.random() - 0.5)
        yield Act(begin_s + dice.random() * SPELL_S, Deed.JUMP, dice.choice((*WORKERS, FRONT)), span_s=jump_s)
