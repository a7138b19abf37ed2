"""A bell is the one notice that is a new message: it is not rung again when it may have rung."""

import pytest

from engine.ports import Failed
from states.vocabulary import ErrorClass, Failure, NoticeKind, Reason, Verdict
from tests.engine.fakes import World
from tests.engine.test_relay import notice, put, told, world

__all__ = ["world"]


@pytest.mark.parametrize(("arrived", "again"), [(None, False), (True, False), (False, True)])
async def test_a_bell_answered_502_may_have_rung(world: World, arrived: bool | None, again: bool) -> None:
    await put(world, notice(0, NoticeKind.BELL))
    verdict = Verdict(ErrorClass.TRANSIENT, Reason.UNAVAILABLE, "test.bad_gateway")
    world.notifier.script.append(Failed(Failure("telegram", "send", may_have_arrived=arrived), verdict))
    relay = world.relay()
    await told(world, relay)
    world.clock.advance(2)
    assert await told(world, relay) == ([0] if again else [])
