import asyncio
from collections.abc import AsyncIterator

import pytest

import engine.driver.blocking
from engine.clock import ManualClock
from engine.connection import Connection, ScriptMissing
from engine.dispatch import Dispatcher
from engine.errors import ScriptFailed, StoreMismatch, StoreUnavailable
from engine.store import Store

BELL = "{1768}:bell"


@pytest.fixture
async def locked(connection: Connection) -> AsyncIterator[None]:
    """The server asks newcomers for a password."""
    await connection.command("PING")
    await connection.command("CONFIG", "SET", "requirepass", "secret-word")
    yield
    await connection.command("CONFIG", "SET", "requirepass", "")


async def test_an_unknown_script_is_told_apart(connection: Connection) -> None:
    with pytest.raises(ScriptMissing):
        await connection.run("0" * 40, "{1768}", [])


async def test_a_bad_command_is_a_bug(connection: Connection) -> None:
    with pytest.raises(ScriptFailed):
        await connection.command("NOSUCHCOMMAND")
    await connection.command("SET", BELL, "no sorted set", "PX", 1000)
    with pytest.raises(ScriptFailed, match="WRONGTYPE"):
        await connection.pop_bell("b", [BELL], 0.05)


async def test_configuration_that_is_not_told_is_empty(connection: Connection) -> None:
    assert await connection.config("maxmemory-policy") == "noeviction"
    assert await connection.config("no-such-setting") == ""


async def test_missing_credentials_are_said_at_once_and_not_the_password(
    redis_url: str, clock: ManualClock, locked: None
) -> None:
    with pytest.raises(StoreMismatch, match="refused our credentials") as caught:
        await Store.connect(redis_url, clock=clock)
    assert "secret-word" not in str(caught.value)
    async with Connection(redis_url) as stranger:
        calls = Dispatcher(stranger)
        with pytest.raises(StoreMismatch):
            await calls.call("{1768}", "ring", queue=False)
        with pytest.raises(StoreMismatch):
            await stranger.pop_bell("b", [BELL], 0.05)


async def test_a_read_that_outlives_its_time_limit_is_dropped(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await connection.pop_bell("b", [BELL], 0.01) is None
    monkeypatch.setattr(engine.driver.blocking, "WATCHDOG_S", 0.05)
    await connection.command("CLIENT", "PAUSE", 400, "ALL")
    with pytest.raises(StoreUnavailable, match="outlived its own time limit"):
        await connection.pop_bell("b", [BELL], 0.01)
    await connection.command("PING")
    await connection.command("ZADD", BELL, 0, "r")
    assert await connection.pop_bell("b", [BELL], 5) == BELL


async def test_a_read_can_be_ended_from_outside(connection: Connection) -> None:
    assert not await connection.interrupt("b")
    assert await connection.pop_bell("b", [BELL], 0.01) is None
    assert not await connection.interrupt("b")
    reading = asyncio.create_task(connection.pop_bell("b", [BELL], 5))
    async with asyncio.timeout(4):
        while not await connection.interrupt("b"):
            continue
        assert await reading is None
    await connection.unblock("b")


async def test_a_stream_is_read_as_it_grows(connection: Connection) -> None:
    feed = "{1768}:ev"
    assert await connection.read_stream("s", feed, "0", 0.01) == []
    await connection.command("XADD", feed, "5-1", "e", "x")
    assert await connection.read_stream("s", feed, "0", 0.01) == [(b"5-1", {b"e": b"x"})]
    assert await connection.read_stream("s", feed, "5-1", 0.01) == []


async def test_calls_on_their_way_end_with_their_loop(connection: Connection) -> None:
    calls = Dispatcher(connection)
    calling = asyncio.create_task(calls.call("{1768}", "ring", queue=False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in list(calls._running):
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await calls.close()
