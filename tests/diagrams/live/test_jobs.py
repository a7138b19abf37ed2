"""The list by due time, with ten thousand live jobs; one job and its history."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.wiring.live import EngineSource
from diagrams.live import DueRow
from diagrams.live import due as due_module
from engine.codec import encode_doc, encode_request
from tests.diagrams.live.site import OPEN, Live, open_site

MANY = 10_000


_WRITE = """
local T, now = KEYS[1], tonumber(ARGV[3])
for n = tonumber(ARGV[1]), ARGV[2] - 1, 2 do
  local waits = n % 5 == 0
  local id = string.format('%d-bulk%05d', n % 2, n)
  redis.call('HSET', T .. ':j:' .. id, 'st', waits and 'retry_wait' or 'generating', 'seq', 1, 'ep', 0,
    'gv', ARGV[4], 'uid', 1000 + n % 100, 'cost', 0, 'hold', 'none', 'own', '', 'dl', now + 3600000)
  redis.call('SET', T .. ':d:' .. id, waits and ARGV[6] or ARGV[5])
  redis.call('SET', T .. ':p:' .. id, ARGV[7])
  redis.call('ZADD', T .. ':t', string.format('%.0f', now + n * 10), id)
end
"""


@pytest.fixture
async def live(live: Live) -> AsyncIterator[Live]:
    """Without what we wrote past the scripts: the check for left-over keys would read each of them."""
    yield live
    await live.engine.store.connection.command("FLUSHALL")


async def _filled(live: Live, jobs: int) -> None:
    """That many live jobs, written as the scripts would: the list must be long, not their story."""
    model = await live.launched()
    docs = [encode_doc(model), encode_doc(replace(model, last_reason="rate_limited"))]
    for partition in range(2):
        given: list[str | bytes | int] = [partition or 2, jobs, live.clock.now_ms(), model.graph]
        given += [*docs, encode_request(model.request)]
        prefix = live.engine.store.prefix(partition)
        await live.engine.store.connection.command("EVAL", _WRITE, 1, prefix, *given)


async def test_ten_thousand_jobs_are_paged_by_due_time(live: Live) -> None:
    await _filled(live, MANY)
    first = await live.site.json("jobs?offset=0&limit=100")
    assert (first["live"], first["total"], len(first["rows"])) == (MANY, MANY, 100)
    dues = [row[1] for row in first["rows"]]
    assert dues == sorted(dues)
    middle = await live.site.json("jobs?offset=5000&limit=100")
    assert middle["rows"][0][1] > dues[-1]
    assert not {row[0] for row in first["rows"]} & {row[0] for row in middle["rows"]}
    last = await live.site.json(f"jobs?offset={MANY - 1}&limit=100")
    assert len(last["rows"]) == 1


async def test_the_list_is_searched_by_state_reason_and_job(live: Live) -> None:
    await _filled(live, 300)
    waiting = await live.site.json("jobs?state=retry_wait")
    assert waiting["total"] == 59
    assert {row[2] for row in waiting["rows"]} == {"retry_wait"}
    assert waiting["reasons"] == {"rate_limited": 59}
    assert (await live.site.json("jobs?reason=rate_limited"))["total"] == 59
    assert (await live.site.json("jobs?q=BULK00123"))["rows"][0][0] == "1-bulk00123"
    assert (await live.site.json("jobs?q=1042"))["total"] == 0  # a user's number is not for everybody


@pytest.mark.parametrize("query", ["offset=-1", "offset=x", "limit=1e3", "limit=99999999", "offset=%D9%A1"])
async def test_a_page_that_is_none_is_refused(live: Live, query: str) -> None:
    assert (await live.site.get(f"jobs?{query}")).status == 400


async def test_many_readers_cost_the_store_one_reading(live: Live) -> None:
    counted = Counted(lambda: live.engine)
    async with open_site(counted, OPEN) as site:
        await asyncio.gather(*(site.json(f"jobs?offset={n}") for n in range(20)))
    assert counted.asked == 1


class Counted(EngineSource):
    """Counts how often the list is read."""

    asked = 0

    async def due(self, limit: int) -> list[DueRow]:
        self.asked += 1
        return list(await super().due(limit))


async def test_a_page_is_never_longer_than_it_may_be(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_module, "PAGE_MOST", 7)
    await _filled(live, 30)
    assert len((await live.site.json("jobs?limit=1000"))["rows"]) == 7


async def test_a_job_is_shown_with_its_way(live: Live) -> None:
    job = await live.launched()
    assert await live.engine.cancel(job.id, 7) == "cancelled"
    shown = await live.site.json(f"jobs/{job.id}")
    assert (shown["job"]["state"], shown["job"]["hold"]) == ("refunded", "released")
    assert [record["seq"] for record in shown["history"]] == [0, 1]
    assert shown["history"][1]["edge"] == "queued/cancel"
    assert shown["history"][1]["in"]["rnd"] >= 0
    assert any(word.startswith("release:") for word in shown["history"][1]["out"])
    assert shown["private"] is None


@pytest.mark.parametrize("job_id", ["0-nobody", "9-nobody", "x" * 500, "0-a%0d%0ab"])
async def test_a_job_nobody_knows_is_not_found(live: Live, job_id: str) -> None:
    assert (await live.site.get(f"jobs/{job_id}")).status == 404
