import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest

from adapters.sandbox.faults import Answer, Cut, Fault, Server
from adapters.telegram.client import make_bot
from adapters.telegram.poller import Poller, Problem, Trouble, chat_of
from engine.clock import ManualClock
from tests.adapters.telegram.world import BRISK, TOKEN, USER, Scene


class Shelf:
    """A store of updates that may be broken, and whoever waits for them."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[int, bytes]] = {}
        self.broken = 0
        self.problems: list[Problem] = []
        self.stop = asyncio.Event()
        self.clock = ManualClock()
        self._news = asyncio.Event()

    async def put(self, update_id: int, chat_id: int, raw: bytes) -> bool:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the store is away")
        fresh = update_id not in self.kept
        self.kept[update_id] = (chat_id, raw)
        self._news.set()
        return fresh

    async def on_problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for news (or push the clock on, for a poller that waits) until something is true."""
        async with asyncio.timeout(5):
            while not true():
                self._news.clear()
                self.clock.advance(60)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.02)

    @property
    def texts(self) -> list[str]:
        updates = [json.loads(raw) for _, raw in self.kept.values()]
        return [update["message"]["text"] for update in updates if "message" in update]


async def polling(stage: Scene, shelf: Shelf, act: Callable[[], Awaitable[None]]) -> Problem | None:
    """Run a poller while `act` goes on, then stop it."""
    poller = Poller(stage.bot, shelf.put, shelf.clock, on_problem=shelf.on_problem, timeouts=BRISK)
    running = asyncio.create_task(poller.run(shelf.stop))
    await act()
    shelf.stop.set()
    return await running


async def waiting(stage: Scene) -> list[dict[str, object]]:
    """What Telegram still holds for the bot."""
    updates = await stage.bot.get_updates(timeout=0)
    return [update.model_dump() for update in updates]


async def test_updates_are_stored_and_then_acknowledged(stage: Scene) -> None:
    shelf, person = Shelf(), stage.telegram.person(USER)

    async def act() -> None:
        await person.send_text("one")
        await person.send_text("two")
        await shelf.until(lambda: "two" in shelf.texts)
        await person.send_text("three")
        await shelf.until(lambda: "three" in shelf.texts)

    assert await polling(stage, shelf, act) is None
    assert shelf.texts == ["/start", "one", "two", "three"]
    assert {chat for chat, _ in shelf.kept.values()} == {USER}
    assert await waiting(stage) == []


async def test_stop_interrupts_the_waiting(stage: Scene) -> None:
    shelf = Shelf()

    async def act() -> None:
        await shelf.until(lambda: bool(shelf.kept))

    async with asyncio.timeout(2):
        assert await polling(stage, shelf, act) is None


async def test_nothing_is_acknowledged_while_the_store_is_down(stage: Scene) -> None:
    shelf = Shelf()
    shelf.broken = 10**6
    await stage.telegram.person(USER).send_text("precious")

    async def act() -> None:
        await shelf.until(lambda: bool(shelf.problems))

    await polling(stage, shelf, act)
    assert [problem.trouble for problem in shelf.problems] == [Trouble.STORE]
    assert len(await waiting(stage)) == 2


async def test_store_that_comes_back_loses_nothing_and_doubles_nothing(stage: Scene) -> None:
    shelf, person = Shelf(), stage.telegram.person(USER)
    shelf.broken = 2
    await person.send_text("precious")

    async def act() -> None:
        await shelf.until(lambda: "precious" in shelf.texts)

    await polling(stage, shelf, act)
    assert shelf.texts == ["/start", "precious"]


async def test_update_of_an_unknown_shape_stops_nobody(stage: Scene) -> None:
    shelf, person = Shelf(), stage.telegram.person(USER)
    odd = {"update_id": 77, "message": {"forward_origin": {"type": "hidden_user"}, "text": "\ud83d"}}
    nameless = {"message": {"text": "no number"}}
    body = json.dumps({"ok": True, "result": [nameless, odd]})
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "getUpdates", answer=Answer(200, body)))

    async def act() -> None:
        await shelf.until(lambda: 77 in shelf.kept)

    await polling(stage, shelf, act)
    assert json.loads(shelf.kept[77][1]) == odd
    assert person.id == USER


async def test_network_trouble_is_told_once_and_outlived(stage: Scene) -> None:
    shelf, person = Shelf(), stage.telegram.person(USER)
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "getUpdates", 3, close=Cut.AFTER))
    await person.send_text("after the storm")

    async def act() -> None:
        await shelf.until(lambda: "after the storm" in shelf.texts)

    await polling(stage, shelf, act)
    assert [problem.trouble for problem in shelf.problems] == [Trouble.NETWORK]


async def test_a_hiccup_of_the_network_is_nobody_s_business(stage: Scene) -> None:
    shelf, person = Shelf(), stage.telegram.person(USER)
    for answered in ("first", "second"):  # what works in between begins a new count
        stage.telegram.faults.add(Fault(Server.TELEGRAM, "getUpdates", 2, close=Cut.AFTER))
        await person.send_text(answered)

        async def act(text: str = answered) -> None:
            await shelf.until(lambda: text in shelf.texts)

        await polling(stage, shelf, act)
        shelf.stop.clear()
    assert shelf.problems == []


@pytest.mark.parametrize(
    ("code", "text", "trouble"),
    [
        (409, "Conflict: terminated by other getUpdates request", Trouble.CONFLICT),
        (429, "Too Many Requests: retry after 3", Trouble.NETWORK),
        (502, "Bad Gateway", Trouble.NETWORK),
    ],
)
async def test_passing_troubles_have_their_name(stage: Scene, code: int, text: str, trouble: Trouble) -> None:
    shelf = Shelf()
    body = {"ok": False, "error_code": code, "description": text}
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "getUpdates", 3, answer=Answer(code, body)))

    async def act() -> None:
        await shelf.until(lambda: bool(shelf.kept))

    assert await polling(stage, shelf, act) is None
    assert [problem.trouble for problem in shelf.problems] == [trouble]


async def test_refused_token_ends_it_with_a_value(stage: Scene) -> None:
    shelf = Shelf()
    other = "4242:" + "another-token-that-is-not-the-bots"
    bot = make_bot(other, stage.telegram.url, BRISK)
    try:
        poller = Poller(bot, shelf.put, shelf.clock, on_problem=shelf.on_problem, timeouts=BRISK)
        problem = await poller.run(shelf.stop)
    finally:
        await bot.session.close()
    assert problem is not None
    assert problem.trouble is Trouble.UNAUTHORIZED
    assert shelf.problems == [problem]
    assert other not in repr(problem)
    assert TOKEN not in repr(problem)


@pytest.mark.parametrize(
    ("update", "chat"),
    [
        ({"update_id": 1, "message": {"chat": {"id": 5}, "from": {"id": 6}}}, 5),
        ({"update_id": 1, "callback_query": {"from": {"id": 6}, "message": {"chat": {"id": 5}}}}, 6),
        ({"update_id": 1, "pre_checkout_query": {"from": {"id": 6}}}, 6),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": 6}, "from": {"id": 6}}}, 6),
        ({"update_id": 1, "subscription": {"user": {"id": 6}}}, 6),
        ({"update_id": 1, "poll": {"id": "1"}}, 0),
        ({"update_id": 1, "message": {"chat": "odd"}}, 0),
        ({"update_id": 1, "message": None}, 0),
    ],
)
def test_chat_of(update: dict[str, object], chat: int) -> None:
    assert chat_of(update) == chat
