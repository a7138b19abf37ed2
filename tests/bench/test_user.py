"""The user's path is walked for real, over HTTP."""

import asyncio

import pytest

from bot.wiring.bench.sending import LARGE_BYTES, send_all
from bot.wiring.bench.studies import polling_tables
from bot.wiring.bench.user import user_times


@pytest.mark.long
def test_a_video_is_bought_and_timed() -> None:
    times = asyncio.run(user_times(1))
    assert len(times.proposal) == len(times.in_chat) == 1
    assert 0 < times.started[0] < times.accepted[0]
    assert times.in_chat[0] > 0
    assert times.photo_to_accepted == [times.proposal[0] + times.accepted[0]]


@pytest.mark.long
def test_every_way_of_sending_delivers_and_is_weighed() -> None:
    sent = asyncio.run(send_all(2))
    assert [one.way for one in sent] == ["by URL", "by upload", "by upload, 50 MB", "by file id"]
    assert all(len(one.ms) >= 2 for one in sent)
    assert sent[2].size == LARGE_BYTES
    # a file read whole would show at once, however busy the machine is
    assert sent[2].memory < LARGE_BYTES / 4


def test_polling_is_told_for_every_spread() -> None:
    tables = polling_tables(20, seed=1)
    assert len(tables) == 5
    assert all(rows["mean calls a job"] >= 1 for _, rows in tables)
