"""A process is struck at every await of a job's life, one after the other; the job ends right anyhow."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.connection import Connection
from engine.randomness import SeededRandomness
from engine.store import Store
from states.vocabulary import Reason, State
from tests.audit import money_of
from tests.faults.figures import Figure
from tests.faults.lives import USER, Life
from tests.faults.points import Fate, Points


@dataclass(frozen=True)
class Story:
    """What the outside world does to a job, and how it must end. `creates`: calls that are needed."""

    end: State = State.DONE
    creates: int = 1
    calls_back: bool = True
    refusals: tuple[Reason, ...] = ()
    troubles: tuple[tuple[Reason, bool], ...] = ()
    cancels: bool = False


STORIES = {
    "a photo becomes a video": Story(),
    "nothing calls back": Story(calls_back=False),
    "the provider is away at first": Story(creates=2, refusals=(Reason.UNAVAILABLE,)),
    "the photo is refused": Story(State.REFUNDED, refusals=(Reason.IMAGE_TOO_DARK,) * 3),
    "a send arrives and its answer does not": Story(troubles=((Reason.SEND_UNKNOWN, True),)),
    "no send arrives": Story(State.REFUNDED, troubles=((Reason.UNAVAILABLE, False),) * 9),
    "the user cancels": Story(State.REFUNDED, creates=0, cancels=True),
}
QUICK = ("a photo becomes a video", "the user cancels")
"""Struck in every way at every `make test`; the others only die there."""
MAY_ALSO_END = {"the user cancels": State.DONE}
"""A cancel that was struck comes too late when the worker is faster."""


@dataclass
class Court:
    """Plays lives on one store and adds up what they cost."""

    connection: Connection
    shas: dict[str, str]
    reader: StoreReader
    seed: int
    found: Counter[str] = field(default_factory=Counter)

    def life(self, story: Story) -> Life:
        life = Life(self.connection, self.shas, SeededRandomness(self.seed), cancels=story.cancels)
        life.provider.calls_back = story.calls_back
        life.provider.refusals = list(story.refusals)
        life.chat.troubles = list(story.troubles)
        return life

    async def points_of(self, story: Story) -> list[str]:
        """The names of all points of a life without trouble of ours."""
        life, points = self.life(story), Points()
        await life.begin()
        await life.run(life.process(points, "victim"))
        return points.names

    async def strike(self, name: str, fate: Fate, at: int) -> None:
        """One life, struck there."""
        story, points = STORIES[name], Points(fate, at)
        life = self.life(story)
        await life.begin()
        before = await life.struck(points)
        assert points.struck, "the point was not passed"
        where = f"{name}: {fate} at {points.names[at]} (point {at})"
        await self._ended_right(life, name, where)
        if before is not None:
            self._left_alone(before.changed(await life.snapshot()), points, where)
        self._told_once(life, points, where)
        self.found["struck"] += 1

    def _left_alone(self, changed: list[tuple[str, Any]], points: Points, where: str) -> None:
        """What was bought with a lease that is over is booked as cost (`op` is that booking's receipt)."""
        booked = [field for key, field in changed if ":j:" in key and field == b"op"]
        assert len(booked) <= ("provider create <" in points.names), where
        self.found["late costs booked by a thawed process"] += len(booked)
        self.found["fields changed by a thawed process"] += len(changed) - len(booked)
        assert len(changed) == len(booked), where

    async def _ended_right(self, life: Life, name: str, where: str) -> None:
        story, job = STORIES[name], await life.job()
        assert job is not None, where
        assert job.state in (story.end, MAY_ALSO_END.get(name)), where
        rows = list(reversed(await life.eye.statement(USER, 50)))
        end = "capture" if job.state is State.DONE else "release"
        assert money_of(rows, job.id) == ["hold", end], where
        needed = story.creates or int(job.state is State.DONE)
        extra = life.provider.creates - needed
        assert extra <= 1, where
        self.found["extra creates"] += max(0, extra)
        self.found["most extra creates of a life"] = max(self.found["most extra creates of a life"], extra)
        assert len(life.chat.films) == (job.state is State.DONE), where
        report = await check_store(self.reader)
        assert report.findings == (), where

    def _told_once(self, life: Life, points: Points, where: str) -> None:
        twice = [told for told, count in life.chat.notices.items() if count > 1]
        # told, and struck before that could be written down: a notice is told again, the video never
        unheard = points.names[points.at] in ("chat tell <", "store queue_ack >")
        unheard = unheard or (points.fate is Fate.FREEZES and _in_hand(points.names[: points.at + 1]))
        assert len(twice) <= unheard, where
        self.found["notices told twice"] += len(twice)
        assert life.chat.rings <= 1 + unheard, where


def _in_hand(names: list[str]) -> bool:
    """Had it taken a notice out of the outbox, and not given it back yet?"""
    turns = [name for name in names if name in ("store queue_take <", "store queue_ack <")]
    return bool(turns) and turns[-1] == "store queue_take <"


@pytest.fixture
async def court(redis_url: str, store: Store, randomness: SeededRandomness) -> AsyncIterator[Court]:
    async with await StoreReader.open(redis_url) as reader:
        yield Court(store.connection, store.dispatcher._shas, reader, randomness.seed)


WAYS = [
    pytest.param(name, fate, marks=[] if name in QUICK else pytest.mark.faults)
    for name in STORIES
    for fate in Fate
]


@pytest.mark.leaks_keys  # the store is flushed between lives, under the feet of its queues
@pytest.mark.parametrize(("name", "fate"), WAYS)
async def test_struck_at_every_point_a_job_ends_right(
    court: Court, name: str, fate: Fate, figure: Figure
) -> None:
    names = await court.points_of(STORIES[name])
    assert len(names) > 15
    for at, point in enumerate(names):
        if fate is Fate.HEARS_NOTHING and not point.startswith("store"):
            continue
        await court.strike(name, fate, at)
    for what, count in court.found.items():
        figure(f"{fate}: {what}", count)
