import asyncio
from typing import Any

import pytest

from engine.connection import Connection
from engine.dispatch import ANOTHER, ON_THE_WAY, Dispatcher
from engine.errors import ScriptBroken, StoreUnavailable
from engine.script_files import library
from engine.scripts import HOT

T = "{1768}"


class Deaf(Connection):
    """A line whose calls end as lost when they are cancelled: libraries have swallowed cancellations."""

    def ask(self, *_: object) -> bool:
        return False

    async def run(self, *_: object) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StoreUnavailable("lost") from None


async def test_a_verb_is_called_by_name(dispatcher: Dispatcher) -> None:
    assert await dispatcher.call(T, "open", partitions=1, schema=1) == [b"1", b"1"]
    assert await dispatcher.call(T, "open", partitions=16, schema=2) == [b"1", b"1"]


async def test_a_wrong_name_never_leaves_python(dispatcher: Dispatcher) -> None:
    with pytest.raises(ScriptBroken, match=r"missing \['schema'\], unknown \['scheme'\]"):
        await dispatcher.call(T, "open", partitions=1, scheme=1)
    with pytest.raises(ScriptBroken, match="is int, got str"):
        await dispatcher.call(T, "open", partitions="1", schema=1)


async def test_calls_of_one_turn_travel_as_one_script(dispatcher: Dispatcher, connection: Connection) -> None:
    await connection.command("CONFIG", "RESETSTAT")
    answers = await asyncio.gather(
        dispatcher.call(T, "open", partitions=4, schema=1),
        *(dispatcher.call(T, "ring", queue=True) for _ in range(9)),
    )
    assert answers == [[b"4", b"1"], *[b"ok"] * 9]
    assert (await connection.info("commandstats"))["cmdstat_evalsha"]["calls"] == 1


async def test_a_flushed_script_cache_is_loaded_again(dispatcher: Dispatcher, connection: Connection) -> None:
    await connection.command("SCRIPT", "FLUSH")
    assert await dispatcher.call(T, "ring", queue=False) == b"ok"


async def test_calls_made_while_answers_are_awaited_travel_together(
    dispatcher: Dispatcher, connection: Connection
) -> None:
    await connection.command("CONFIG", "RESETSTAT")
    calls = []
    for _ in range(20):  # one a turn: the first goes alone and all others wait for its answer
        calls.append(asyncio.ensure_future(dispatcher.call(T, "ring", queue=True)))
        await asyncio.sleep(0)
    assert await asyncio.gather(*calls) == [b"ok"] * 20
    sent = (await connection.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert 2 <= sent < 20


async def test_many_that_wait_go_beside_a_script_that_is_unanswered(redis_url: str) -> None:
    class Slow(Connection):
        """Answers nothing before it is let."""

        let = asyncio.Event()
        sent = 0

        def ask(self, *_: object) -> bool:
            return False

        async def run(self, sha: str, prefix: str, args: Any) -> Any:
            self.sent += 1
            await self.let.wait()
            return await super().run(sha, prefix, args)

    async with Slow(redis_url) as line:
        calls = Dispatcher(line)
        await calls.load()

        async def call(count: int) -> list["asyncio.Task[Any]"]:
            made = [asyncio.ensure_future(calls.call(T, "ring", queue=False)) for _ in range(count)]
            for _ in range(4):
                await asyncio.sleep(0)
            return made

        asked = [*await call(1), *await call(ANOTHER - 1)]
        assert line.sent == 1
        asked += await call(1)
        assert line.sent == ON_THE_WAY
        asked += await call(ANOTHER)
        assert line.sent == ON_THE_WAY
        line.let.set()
        assert await asyncio.gather(*asked) == [b"ok"] * (2 * ANOTHER + 1)
        await calls.close()


async def test_an_answer_that_is_none_is_a_bug_that_all_its_callers_hear_of(redis_url: str) -> None:
    class Odd(Connection):
        """Answers a batch by a word."""

        def ask(self, *given: Any) -> bool:
            given[3](b"OK")
            return True

    async with Odd(redis_url) as line:
        calls = Dispatcher(line)
        await calls.load()
        made = [calls.call(T, "ring", queue=False) for _ in range(3)]
        assert [str(one) for one in await asyncio.gather(*made, return_exceptions=True)] == [
            "3 calls were answered by b'OK'"
        ] * 3
        await calls.close()


async def test_what_is_seldom_called_has_a_batch_of_its_own(dispatcher: Dispatcher) -> None:
    assert "paused" not in HOT
    answers = await asyncio.gather(
        dispatcher.call(T, "ring", queue=True),
        dispatcher.call(T, "pause", why="x"),
        dispatcher.call(T, "paused"),
    )
    assert list(answers) == [b"ok", b"ok", b"x"]
    assert set(library().verbs) >= HOT


async def test_a_swallowed_cancellation_does_not_make_a_call_go_on_for_ever(redis_url: str) -> None:
    async with Deaf(redis_url) as line:
        calls = Dispatcher(line, deadline_s=0.05)
        await calls.load()
        async with asyncio.timeout(60):  # against a hang
            with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.05 s"):
                await calls.call(T, "ring", queue=False)
