"""Lesson 5. The video is ready and nobody is there: it waits, and comes when the user comes back."""

from pathlib import Path

from bot.wiring.nursery import Nursery
from tests.tour.play import lesson


async def test_a_user_blocks_the_bot_and_returns(nursery: Nursery, tmp_path: Path) -> None:
    seen = await lesson("user_blocked", nursery, tmp_path)

    # `user_gone` parks the delivery for as long as the video lives; /start wakes it at once.
    assert seen.why == ["user_gone"]
    assert seen.moves[-3:] == [
        "sending → retry_wait  error",
        "retry_wait → sending  resume",
        "sending → done  delivered",
    ]

    assert seen.film is not None
    assert seen.pushes == 2, "the answer to /start, and the bell"
    assert (seen.before, seen.after) == (2, 1), "the video was made and delivered: it is paid for, once"
