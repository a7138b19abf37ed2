"""Whole jobs are counted whole, over all processes, and every figure is there."""

import asyncio

import pytest

from engine.bench.footprint import kind_of
from engine.bench.jobs import Plan, Tally, run_jobs

JOBS = 24


@pytest.mark.parametrize(("processes", "drain"), [(1, False), (2, True)])
def test_every_job_is_done_and_paid_for(server: str, processes: int, drain: bool) -> None:
    plan = Plan(server, JOBS, users=6, concurrency=8, processes=processes, drain=drain)
    result = asyncio.run(run_jobs(plan))
    assert result.edges == 4 * JOBS, "start, accepted, rendered, delivered"
    assert JOBS <= result.told <= 2 * JOBS, "a bell each; a status that a newer one replaced is not told"
    assert not any(name.startswith(("alert", "relay.dropped", "job.denied")) for name in result.other)
    figures = result.figures()
    assert set(figures) >= {"jobs_per_s", "cpu_us_per_job", "server_cpu_us_per_transition", "reads_per_job"}
    assert all(value > 0 for name, value in figures.items() if name != "aof_bytes_per_job")
    assert result.server.calls["evalsha"] <= result.server.sent < result.server.commands
    assert 0 < result.server.inner_us < result.server.script_us
    assert (result.submit_s > 0) == drain


def test_what_is_left_is_weighed_by_kind(server: str) -> None:
    result = asyncio.run(run_jobs(Plan(server, JOBS, users=6, concurrency=8)))
    left = result.left
    assert left.keys_per_job["j"] == 1
    assert all(size > 0 for size in left.bytes_per_job.values())
    assert kind_of(b"{1768}:ob:e:7") == "ob:e"
    assert kind_of(b"{1768}:l:7") == "l"


def test_a_tally_gives_out_each_number_once() -> None:
    tally = Tally(3)
    assert [tally.next() for _ in range(4)] == [0, 1, 2, None]
    assert not tally.over
    for _ in range(3):
        tally.one_done()
    assert tally.over
