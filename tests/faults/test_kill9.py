"""kill -9 at every point of a job's life: it ends right, at most one create too many, nothing told twice.

The victim hangs inside the named call when it is killed, so that it provably was there.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.sandbox.faults import Cut, Fault, Server
from adapters.sandbox.story import create
from bot.wiring.app import Role
from bot.wiring.nursery import Nursery
from states.job import TaskStatus
from states.vocabulary import State
from tests.faults.figures import Figure
from tests.faults.town import Town, town

QUICK = ("sending",)
"""Killed at every `make test`, as is a worker by the tour; the other points belong to `make faults`."""


def points(table: Iterable[str]) -> list[Any]:
    """The points of a table as parameters."""
    return [pytest.param(name, marks=[] if name in QUICK else pytest.mark.faults) for name in table]


FOR_EVER_S = 600.0
"""Longer than any test: a call that hangs until its caller is dead, or the world ends."""


def hangs(server: Server, method: str, *, done: bool, seconds: float = FOR_EVER_S) -> Fault:
    """A call that gets no answer for a while. `done`: what it asked for has been done all the same."""
    close = Cut.NONE if done else Cut.AFTER
    return Fault(server, method, delay_s=seconds, close=close)


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a worker dies. `during`: inside this call; else as soon as the job is in `state`.

    `needed`: create calls without the crash. `creates` and `accepted`: what the provider saw with it.
    """

    faults: tuple[Fault, ...] = ()
    during: str = ""
    state: State = State.GENERATING
    errors: tuple[str, ...] = ("worker_lost",)
    perhaps: tuple[str, ...] = ()
    """Errors that come after those, or not, as it happens."""
    needed: int = 1
    creates: int = 1
    accepted: int = 1


TAKEN = hangs(Server.KIE, "createTask", done=True)
CRASHES = {
    "generating: before the create call": Crash((hangs(Server.KIE, "upload", done=False),), "upload"),
    "generating: in a create call that is lost": Crash(
        (hangs(Server.KIE, "createTask", done=False),),
        "createTask",
        errors=("worker_lost", "create_unknown"),
        creates=2,
    ),
    # it may call back before anybody has noticed that the worker is dead
    "generating: before the task id, the task calls back": Crash(
        (TAKEN,), "createTask", perhaps=("create_unknown",)
    ),
    "generating: before the task id, the task never reports": Crash(
        (TAKEN, Fault(Server.KIE, "callback", None, close=Cut.AFTER)),
        "createTask",
        errors=("worker_lost", "create_unknown"),
        creates=2,
        accepted=2,
    ),
    "generating: after the task id, between two looks": Crash(errors=()),
    "generating: after the task id, in a look": Crash(
        (hangs(Server.KIE, "recordInfo", done=True),), "recordInfo"
    ),
    "generating: in the download": Crash((hangs(Server.KIE, "download", done=True),), "download"),
    "retry_wait": Crash(
        (create(503, "The server is currently being maintained, please try again later~"),),
        state=State.RETRY_WAIT,
        errors=("unavailable",),
        needed=2,
        creates=2,
    ),
    "sending: the video has not arrived": Crash(
        (hangs(Server.TELEGRAM, "editMessageMedia", done=False),), "editMessageMedia"
    ),
    "sending: the video has arrived, nobody knows": Crash(
        (hangs(Server.TELEGRAM, "editMessageMedia", done=True),), "editMessageMedia"
    ),
}


@pytest.mark.parametrize("point", points(CRASHES))
async def test_a_worker_dies_and_another_finishes(point: str, nursery: Nursery, figure: Figure) -> None:
    crash = CRASHES[point]
    async with town(nursery) as world:
        victim = await world.hire()
        world.world.faults.extend(crash.faults)
        await world.launch()
        await _is_there(world, crash)
        await victim.end(signal.SIGKILL)
        assert not victim.alive
        assert not victim.says("worker.stopped"), "it had no time to say goodbye"
        await world.hire()
        job = await world.ends()
        assert tuple(await world.errors(job)) in (crash.errors, crash.errors + crash.perhaps)
        state = world.world.kie.state
        assert (state.creates, state.accepted) == (crash.creates, crash.accepted)
        assert state.creates <= crash.needed + 1
        await world.is_whole(job)
        figure("kill -9 of a worker process: deaths", 1)
        figure("kill -9 of a worker process: extra creates", state.creates - crash.needed)
        figure("kill -9 of a worker process: extra tasks that were paid", state.accepted - 1)
        figure("kill -9 of a worker process: most copies of a video", len(world.customer.films()))


async def _is_there(world: Town, crash: Crash) -> None:
    if crash.during:
        await world.inside(crash.during)
    elif crash.state is State.RETRY_WAIT:
        await world.reaches(State.RETRY_WAIT)
    else:
        await world.when(lambda job: any(t.status is TaskStatus.OPEN for t in job.tasks), "accepted")


@dataclass(frozen=True, slots=True)
class Outage:
    """Where the store is killed; the calls hang for a moment, so that it dies under them."""

    faults: tuple[Fault, ...] = ()
    during: str = ""
    state: State = State.GENERATING
    creates: int = 1
    accepted: int = 1


A_MOMENT_S = 1.2
"""Longer than the server takes to die, shorter than the client's patience."""
OUTAGES = {
    "generating: before the task id": Outage(
        (hangs(Server.KIE, "createTask", done=True, seconds=A_MOMENT_S),), "createTask"
    ),
    "generating: after the task id": Outage(),
    "retry_wait": Outage((create(503, "maintenance"),), state=State.RETRY_WAIT, creates=2),
    "sending": Outage(
        (hangs(Server.TELEGRAM, "editMessageMedia", done=True, seconds=A_MOMENT_S),), "editMessageMedia"
    ),
}


@pytest.mark.parametrize("point", points(OUTAGES))
async def test_the_server_dies_and_comes_back(point: str, nursery: Nursery, figure: Figure) -> None:
    outage = OUTAGES[point]
    async with town(nursery, role=Role.BOTH) as world:
        world.world.faults.extend(outage.faults)
        await world.launch()
        await _is_there(world, Crash(outage.faults, outage.during, outage.state))
        before = world.server.pid
        await world.kill_server()
        assert world.server.pid != before
        job = await world.ends()
        state = world.world.kie.state
        assert (state.creates, state.accepted) == (outage.creates, outage.accepted)
        await world.is_whole(job)
        figure("kill -9 of the server under a whole installation: deaths", 1)
        figure(
            "kill -9 of the server under a whole installation: extra tasks that were paid", state.accepted - 1
        )


@pytest.mark.faults
async def test_worker_and_server_die_together(nursery: Nursery) -> None:
    async with town(nursery) as world:
        victim = await world.hire()
        world.world.faults.add(hangs(Server.TELEGRAM, "editMessageMedia", done=True))
        await world.launch()
        await world.inside("editMessageMedia")
        await victim.end(signal.SIGKILL)
        await world.kill_server()
        await world.hire()
        job = await world.ends()
        assert await world.errors(job) == ["worker_lost"]
        assert world.world.kie.state.creates == 1
        await world.is_whole(job)


def test_the_table_covers_each_live_state_with_work_in_it() -> None:
    named = {point.partition(":")[0] for point in CRASHES} & {point.partition(":")[0] for point in OUTAGES}
    assert named == {State.GENERATING, State.RETRY_WAIT, State.SENDING}
