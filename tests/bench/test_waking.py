"""Lateness is measured against the job's own due time, and nobody comes early."""

import asyncio

import pytest

from engine.bench.crash import crash_to_resumed
from engine.bench.waking import FineClock, idle_commands, retry_in, retry_lateness, start_latency
from engine.clock import SystemClock

SEED = 3


def test_a_start_goes_through_its_stages_in_order(server: str) -> None:
    found = asyncio.run(start_latency(server, 3, SEED))
    assert len(found.started) == 3
    for claimed, started, create in zip(found.claimed, found.started, found.create, strict=True):
        assert 0 < claimed < started < create
    assert all(ms > 0 for ms in found.acknowledged)


@pytest.mark.parametrize("together", [False, True])
def test_every_retry_is_seen_once_and_none_early(server: str, together: bool) -> None:
    found = asyncio.run(retry_lateness(server, 5, SEED, together=together))
    assert len(found.claimed) == len(found.resumed) == 5
    assert found.early == 0
    assert min(found.resumed) >= min(found.claimed)


def test_a_due_time_that_has_passed_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="too slow"):
        retry_in(0.0)


def test_an_idle_worker_is_counted_by_what_it_sends(server: str) -> None:
    idle = asyncio.run(idle_commands(server, 0.3))
    assert idle.commands_per_minute == pytest.approx(sum(idle.by_command.values()))
    assert not {"hget", "zadd"} & set(idle.by_command), "those are called inside scripts"


def test_a_killed_worker_s_jobs_are_all_resumed(server: str) -> None:
    seconds = asyncio.run(crash_to_resumed(server, 2, lease_ms=1_000))
    assert len(seconds) == 2
    assert min(seconds) > 0


def test_the_fine_clock_agrees_with_the_engine_s() -> None:
    clock = SystemClock()
    fine = FineClock(clock)
    before = clock.now_ms()
    assert before - 1 <= fine.now_ms() <= clock.now_ms() + 1
