"""What the stream tells: a snapshot, then frames in order; a slow or returning reader misses nothing."""

import asyncio
from typing import Any

import pytest

from bot.wiring.live import EngineSource
from diagrams.live import hub as hub_module
from diagrams.live.hub import Hub
from engine.front import Engine
from states.vocabulary import State
from tests.diagrams.live.site import OPEN, Live, open_site


async def test_a_page_begins_with_what_is_and_what_was(live: Live) -> None:
    job = await live.launched()
    async with live.site.stream() as stream:
        assert await stream.next() == ("rights", {"act": False, "private": False, "token": False})
        name, data = await stream.next()
        assert name == "snapshot"
        assert data["counts"]["st:queued"] == 1
        assert data["rates"]["started"] == 1
        assert [(row[0], row[4]) for row in data["latest"]] == [(job.id, "queued")]
        assert data["now"] == live.clock.now_ms()


async def test_moves_come_in_order_with_their_edges(live: Live) -> None:
    async with live.site.stream() as stream:
        await stream.next("snapshot")
        job = await live.launched()
        live.clock.advance(1)
        assert await live.engine.cancel(job.id, 7) == "cancelled"
        rows, edges = list[list[Any]](), dict[str, int]()
        while len(rows) < 2:
            _, frame = await stream.next("moves")
            rows += frame["moves"]
            edges |= frame["edges"]
        assert [(row[1], row[3], row[4]) for row in rows] == [(0, "", "queued"), (1, "queued", "refunded")]
        assert edges == {"submit": 1, "queued/cancel": 1}
        while True:
            _, numbers = await stream.next("numbers")
            if numbers["counts"].get("st:refunded"):
                break
        assert numbers["stays"]["queued"] == {"p50": 1000, "p95": 1000, "n": 1}
        assert numbers["rates"]["refunds"] == 1


async def test_who_comes_back_gets_what_was_missed(live: Live) -> None:
    async with live.site.stream() as stream:
        await stream.next("snapshot")
        await live.launched(1)
        await stream.next("moves")
        seen = stream.last_id
        async with live.site.stream() as other:
            await other.next("snapshot")
            second = await live.launched(2)
            await stream.next("moves")
            await other.next("moves")
    async with live.site.stream(seen) as again:
        await again.next("rights")
        name, frame = await again.next()
        assert name == "moves"
        assert [row[0] for row in frame["moves"]] == [second.id]


async def test_who_comes_back_too_late_begins_anew(live: Live) -> None:
    await live.launched()
    async with live.site.stream("1-1") as stream:
        await stream.next("rights")
        assert (await stream.next())[0] == "snapshot"


async def test_a_slow_reader_gets_a_snapshot_and_costs_nothing(
    redis_url: str, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "FRAME_S", 0.001)
    monkeypatch.setattr(hub_module, "QUEUED", 3)
    hub = Hub(EngineSource(lambda: live.engine))
    stream = hub.stream("", 5.0)
    try:
        assert b"event: snapshot" in await anext(stream)
        for n in range(8):  # nobody reads meanwhile
            await live.launched(n, user=100 + n)
            await _framed(hub, n + 1)
        (client,) = hub._clients
        assert client.behind
        assert len(client.queue) <= 3
        piece = await anext(stream)
        assert b"event: snapshot" in piece
        assert b'"submit":8' in piece
    finally:
        await stream.aclose()
        await hub.close()


async def _framed(hub: Hub, frames: int) -> None:
    async with asyncio.timeout(10):
        while len(hub._frames) < frames:  # noqa: ASYNC110 - the frames are made by a loop of their own
            await asyncio.sleep(0)


async def test_nobody_looking_nothing_is_read(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "IDLE_S", 0.0)
    monkeypatch.setattr(hub_module, "NUMBERS_S", 0.01)
    monkeypatch.setattr(hub_module, "BLOCK_S", 0.05)
    hub = Hub(EngineSource(lambda: live.engine))
    stream = hub.stream("", 5.0)
    await anext(stream)
    await stream.aclose()
    assert hub._task is not None
    async with asyncio.timeout(10):
        await asyncio.wait([hub._task])
    await live.launched()
    again = hub.stream("", 5.0)
    assert b'"st:queued":1' in await anext(again)
    await again.aclose()
    await hub.close()


async def test_an_engine_that_is_not_there_yet_is_said(live: Live) -> None:
    engines: list[Engine] = []
    async with open_site(EngineSource(lambda: engines[0] if engines else None), OPEN) as site:
        assert (await site.get("events")).status == 503
        assert (await site.get("jobs")).status == 503
        assert (await site.get("")).status == 200
        engines.append(live.engine)
        await live.launched()
        async with site.stream() as stream:
            _, data = await stream.next("snapshot")
            assert data["counts"][f"st:{State.QUEUED}"] == 1


async def test_the_end_of_the_server_ends_the_streams(live: Live) -> None:
    async with open_site(EngineSource(lambda: live.engine), OPEN) as site:
        answer = await site.http.get(site.url + "events")
        await answer.content.readline()
        loop = asyncio.get_running_loop()
        begun = loop.time()
    answer.close()
    assert loop.time() - begun < 5
