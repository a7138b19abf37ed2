"""Lesson 4. A worker is killed with -9 while Telegram shows the video, before it has heard of it."""

from pathlib import Path

from bot.wiring.nursery import Nursery
from tests.tour.play import lesson


async def test_a_worker_dies_and_another_finishes(nursery: Nursery, tmp_path: Path) -> None:
    seen = await lesson("worker_killed", nursery, tmp_path)

    # Its lease ran out. The next worker feeds `worker_lost` to the same table as any other failure,
    # looks at the message before it sends anything, and finds the video there.
    assert seen.why == ["worker_lost"]
    assert seen.moves[-3:] == [
        "sending → retry_wait  error",
        "retry_wait → sending  resume",
        "sending → done  delivered",
    ]

    assert sum(message.startswith("[video]") for message in seen.chat) == 1
    assert seen.pushes == 1
    assert (seen.before, seen.after) == (2, 1)
