import time

import pytest
from aiogram.exceptions import (
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import (
    BufferedInputFile,
)

from adapters.sandbox.faults import Answer, Cut, Fault, FaultPlan, Server
from tests.adapters.sandbox.telegram_world import film, sandbox


async def test_strict_flood_control() -> None:
    async with sandbox(min_gap_s=5) as (telegram, bot):
        await telegram.person().start()
        await bot.send_message(1001, "one")
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(1001, "two")
        assert caught.value.retry_after == 5


async def test_a_send_whose_answer_is_lost_still_arrives() -> None:
    plan = FaultPlan([Fault(Server.TELEGRAM, "sendMessage", act=True, close=Cut.AFTER, delay_s=30)])
    async with sandbox(plan) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        with pytest.raises(TelegramNetworkError):
            await bot.send_message(anna.id, "one", request_timeout=1)
        assert [message.text for message in anna.chat.by_bot()] == ["one"]


async def test_a_send_that_hangs_without_acting_is_lost() -> None:
    plan = FaultPlan([Fault(Server.TELEGRAM, "sendMessage", close=Cut.AFTER, delay_s=30)])
    async with sandbox(plan) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        begun = time.monotonic()
        with pytest.raises(TelegramNetworkError):
            await bot.send_message(anna.id, "one", request_timeout=1)
        assert time.monotonic() - begun < 5
        assert anna.chat.by_bot() == []
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, Cut.MID])
async def test_cut_connections(cut: Cut) -> None:
    plan = FaultPlan([Fault(Server.TELEGRAM, "sendVideo", close=cut)])
    async with sandbox(plan) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        with pytest.raises(TelegramNetworkError):
            await bot.send_video(anna.id, BufferedInputFile(film(), "v.mp4"))
        assert len(anna.chat.by_bot()) == (1 if cut is Cut.MID else 0)


async def test_said_faults() -> None:
    flood = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 34"}
    plan = FaultPlan(
        [
            Fault(
                Server.TELEGRAM,
                "sendMessage",
                answer=Answer(429, {**flood, "parameters": {"retry_after": 34}}),
                match={"chat_id": "1001"},
            ),
            Fault(
                Server.TELEGRAM,
                "sendMessage",
                act=True,
                answer=Answer(502, {"ok": False, "error_code": 502, "description": "Bad Gateway"}),
            ),
        ]
    )
    async with sandbox(plan) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(anna.id, "one")
        assert caught.value.retry_after == 34
        assert anna.chat.by_bot() == []
        with pytest.raises(TelegramServerError):
            await bot.send_message(anna.id, "two")
        assert [message.text for message in anna.chat.by_bot()] == ["two"]
        assert [call.outcome for call in telegram.world.calls] == ["429", "502"]
