import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import SendMessage
from aiogram.types import Message

from bot.dispatch import BUG_ATTEMPTS, UpdatePump
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.ports import Alert
from engine.randomness import SeededRandomness
from tests.bot.hall import TOKEN, Hall, last

Act = Callable[[Message], Awaitable[None]]


def _raw(update_id: int, chat_id: int = 7, text: str = "hello") -> bytes:
    person = {"id": chat_id, "is_bot": False, "first_name": "Anna"}
    chat = {"id": chat_id, "type": "private", "first_name": "Anna"}
    message = {"message_id": update_id, "date": 1, "chat": chat, "from": person, "text": text}
    return json.dumps({"update_id": update_id, "message": message}).encode()


class Bench:
    """The real inbox and a dispatcher with one handler that a test writes."""

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.engine, self.clock = engine, clock
        self.seen: list[str] = []
        self.alerts: list[Alert] = []
        self.crashes: list[str] = []
        self.act: Act | None = None
        dispatcher = Dispatcher(disable_fsm=True)
        dispatcher.message.register(self._handle)
        self.pump = UpdatePump(
            self._watched(),
            dispatcher,
            Bot(TOKEN),
            clock,
            reader="t",
            on_crash=lambda n, _e: self.crashes.append(n),
        )

    def _watched(self) -> Any:
        async def alert(alert: Alert) -> None:
            self.alerts.append(alert)

        self.engine.alert = alert  # type: ignore[method-assign]  # the test listens
        return self.engine

    async def _handle(self, message: Message) -> None:
        self.seen.append(message.text or "")
        if self.act is not None:
            await self.act(message)


@pytest.fixture
async def bench(redis_url: str, clock: ManualClock) -> Any:
    engine = await Engine.connect(redis_url, EngineConfig(), clock=clock, randomness=SeededRandomness(3))
    yield Bench(engine, clock)
    await engine.close()


def _raising(error: Exception) -> Act:
    async def act(_message: Message) -> None:
        raise error

    return act


METHOD = SendMessage(chat_id=7, text="x")


async def test_updates_of_a_chat_come_in_order_and_once(bench: Bench) -> None:
    for number in (3, 1, 2):
        assert await bench.engine.put_update(number, 7, _raw(number, text=str(number)))
    assert not await bench.engine.put_update(1, 7, _raw(1))
    while await bench.pump.turn():
        pass
    assert bench.seen == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [
        (TelegramNetworkError(METHOD, "cut"), 1.0),
        (TelegramRetryAfter(METHOD, "flood", 17), 17.0),
        (StoreUnavailable("away"), 1.0),
        (RuntimeError("a bug"), 1.0),
    ],
)
async def test_a_failed_update_comes_again_after_a_pause(
    bench: Bench, error: Exception, pause_s: float
) -> None:
    await bench.engine.put_update(1, 7, _raw(1))
    bench.act = _raising(error)
    assert await bench.pump.turn() == 1
    assert await bench.pump.turn() == 0
    bench.clock.advance(pause_s - 0.1)
    assert await bench.pump.turn() == 0
    bench.act = None
    bench.clock.advance(0.2)
    assert await bench.pump.turn() == 1
    assert bench.seen == ["hello", "hello"]
    assert bench.alerts == []


async def test_a_blocked_user_ends_the_update(bench: Bench) -> None:
    await bench.engine.put_update(1, 7, _raw(1))
    bench.act = _raising(TelegramForbiddenError(METHOD, "bot was blocked by the user"))
    await bench.pump.turn()
    bench.clock.advance(3600)
    assert await bench.pump.turn() == 0


async def test_a_bug_is_given_up_told_once_and_does_not_stop_the_chat(bench: Bench) -> None:
    await bench.engine.put_update(1, 7, _raw(1, text="bad"))
    await bench.engine.put_update(2, 7, _raw(2, text="good"))

    async def act(message: Message) -> None:
        if message.text == "bad":
            raise RuntimeError("bug")

    bench.act = act
    for _ in range(BUG_ATTEMPTS + 1):
        await bench.pump.turn()
        bench.clock.advance(61)
    assert bench.seen == ["bad"] * BUG_ATTEMPTS + ["good"]
    assert [alert.fingerprint for alert in bench.alerts] == ["update.failed:RuntimeError"]
    assert bench.crashes == ["update.failed"] * BUG_ATTEMPTS


@pytest.mark.parametrize("raw", [b"no json", b'{"update_id": 1, "message": {"text": 5}}', b"[]"])
async def test_an_undecodable_update_is_told_and_skipped(bench: Bench, raw: bytes) -> None:
    await bench.engine.put_update(1, 7, raw)
    await bench.engine.put_update(2, 7, _raw(2))
    while await bench.pump.turn():
        pass
    assert bench.seen == ["hello"]
    assert [alert.fingerprint for alert in bench.alerts] == ["update.undecodable"]


async def test_the_pump_runs_until_stopped_and_finishes_what_it_has_in_hand(bench: Bench) -> None:
    stop, entered, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def act(_message: Message) -> None:
        entered.set()
        await leave.wait()

    bench.act = act
    running = asyncio.create_task(bench.pump.run(stop, idle_s=5))
    await bench.engine.put_update(1, 7, _raw(1))
    await asyncio.wait_for(entered.wait(), 5)
    await bench.engine.put_update(2, 8, _raw(2, 8, "another chat is not held up"))
    while len(bench.seen) < 2:
        await asyncio.wait_for(asyncio.sleep(0), 5)
    stop.set()
    leave.set()
    await asyncio.wait_for(running, 5)
    assert await bench.pump.turn() == 0


async def test_a_tap_whose_handler_fails_is_answered_and_handled_again(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    real = hall.engine.submit
    calls = 0

    async def away_once(new: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreUnavailable("away")
        return await real(new)

    monkeypatch.setattr(hall.engine, "submit", away_once)
    tap = await hall.tap(anna, proposal, "go")
    assert tap.answer is not None
    assert "Попробуйте через минуту" in tap.answer["text"]
    hall.clock.advance(2)
    await hall.settle()
    assert len(await hall.engine.jobs_of(anna.id)) == 1
    assert "Заявка принята" in last(anna).text


@pytest.mark.parametrize("way", ["ack", "nack"])
async def test_an_update_that_could_not_be_given_back_comes_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Found by the simulator: it was renewed for ever, and its chat was silent until the next restart."""
    inbox = bench.engine._mail("t")

    async def lost(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("away")

    if way == "nack":
        bench.act = _raising(StoreUnavailable("away"))
    await bench.engine.put_update(1, 7, _raw(1))
    with monkeypatch.context() as away:
        away.setattr(inbox, way, lost)
        with pytest.raises(ExceptionGroup):
            await bench.pump.turn()
    bench.act = None
    for _ in range(4):  # the pump goes on and renews what it holds
        bench.clock.advance(20_000)
        await bench.pump.turn()
    assert bench.seen == ["hello", "hello"]
    assert await bench.engine.take_updates("t") == []
