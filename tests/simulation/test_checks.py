"""The simulator's own looks, and the product's checker in it, find what is damaged by hand."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.wiring.simulation.play import play
from bot.wiring.simulation.world import PREFIX, Plan
from engine.codec import encode
from engine.simulation.audit import audit
from engine.simulation.checks import Inspector
from engine.simulation.wire import Wire


class Damaged:
    """A world at rest, to be damaged; what the inspector says then."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.said: list[str] = []
        self.inspector = Inspector(wire, PREFIX, lambda rule, _: self.said.append(rule), lambda: 1000)
        self.job = self.inspector.job_ids()[0]

    def look(self) -> set[str]:
        self.said.clear()
        self.inspector.look()
        return set(self.said)

    def audited(self) -> set[str]:
        return {finding.partition(" ")[0] for finding in asyncio.run(audit(self.wire))}


@pytest.fixture
def world(wire: Wire) -> Iterator[Damaged]:
    found = play(Plan(3, jobs=3), wire)
    assert found.violation is None
    yield Damaged(wire)
    wire.call("FLUSHALL")


def test_a_sound_world_is_sound(world: Damaged) -> None:
    assert world.look() == set()
    assert world.audited() == set()


def test_news_that_waits_for_a_timer_is_told(world: Damaged) -> None:
    key = f"{PREFIX}:j:{world.job}"
    world.wire.call("HSET", key, "st", "retry_wait", "hold", "held")
    world.wire.call("ZADD", f"{PREFIX}:t", 5000, world.job)
    assert "hints" not in world.look()
    world.wire.call("RPUSH", f"{PREFIX}:hi:{world.job}", encode({"kind": "returned"}))
    assert "hints" in world.look()
    world.wire.call("ZADD", f"{PREFIX}:t", 900, world.job)
    assert "hints" not in world.look()
    world.wire.call("ZADD", f"{PREFIX}:t", 5000, world.job)
    world.wire.call("HSET", key, "own", "w1")
    assert "hints" not in world.look(), "its worker will see them"


def test_a_job_set_aside_has_no_timer(world: Damaged) -> None:
    world.wire.call("HSET", f"{PREFIX}:j:{world.job}", "st", "queued")
    assert "timers" in world.look()
    world.wire.call("HSET", f"{PREFIX}:j:{world.job}", "qt", "the operator wants to see it")
    assert "timers" not in world.look()


def test_credits_out_of_nowhere_are_told_by_both(world: Damaged) -> None:
    world.wire.call("HINCRBY", f"{PREFIX}:a:101", "bal", 5)
    assert "ledger" in world.look()
    assert {"I1.sum", "I1.balance"} <= world.audited()


def test_a_lost_outbox_count_is_told_by_the_checker(world: Damaged) -> None:
    world.wire.call("HINCRBY", f"{PREFIX}:ob:q", "n", 1)
    assert "I8.count" in world.audited()
