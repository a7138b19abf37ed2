"""What the sandbox's runner does in a story: kill a worker, cut the store, block the bot, mend things."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.embedded import EmbeddedServer
from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.story import Act, Deed
from bot.wiring.nursery import Nursery
from bot.wiring.process import WorkerProcess
from bot.wiring.sandbox import PERSON, World
from bot.wiring.waiting import until
from engine.telemetry import Field

_HIT_S = 60.0


def hit(faults: FaultPlan, method: str) -> bool:
    """Whether a fault on this method has hit a call."""
    return any(row["method"] == method and row["used"] for row in faults.to_json())


@dataclass(slots=True)
class Deeds:
    """Does the acts of one story when their moment comes."""

    world: World
    acts: tuple[Act, ...]
    server: EmbeddedServer
    tell: Callable[[str], None]
    nursery: Nursery | None = None
    """Where worker processes come from; None: the worker runs in this process."""
    hear: Callable[[str], None] | None = None
    """Called with each line a worker process says."""
    workers: list[WorkerProcess] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def before(self) -> None:
        """The acts that come before the submit."""
        for number, act in enumerate(self.acts):
            if act.on is None:
                self._done.add(number)
                await self._do(act)

    async def hire(self) -> None:
        """Start another worker process."""
        assert self.nursery is not None  # noqa: S101 - only stories that kill workers get here
        fresh = WorkerProcess(self.world, self.nursery, f"worker-{len(self.workers) + 1}", self.hear)
        self.workers.append(fresh)
        await fresh.start()

    def moved(self, name: str, fields: dict[str, Field]) -> None:
        """A telemetry subscriber: the job made a transition."""
        if name != "job.moved":
            return
        words = str(fields.get("edge", "")).split("/")
        for number, act in enumerate(self.acts):
            same_reason = act.reason is None or act.reason == fields.get("reason")
            if number not in self._done and act.on in words[1:2] and same_reason:
                self._done.add(number)
                self._tasks.append(asyncio.create_task(self._later(act)))

    async def finish(self) -> None:
        """End what is still planned, and the workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.workers:
            await worker.end(signal.SIGTERM)

    async def _later(self, act: Act) -> None:
        await self.world.clock.sleep(act.after_s)
        if act.during:
            await until(lambda: hit(self.world.faults, act.during), _HIT_S)
        await self._do(act)

    async def _do(self, act: Act) -> None:
        self.tell(act.deed.value.replace("_", " "))
        world = self.world
        person = world.telegram.person(PERSON)
        match act.deed:
            case Deed.KILL_WORKER:
                await self._replace_worker()
            case Deed.BLOCK_BOT:
                await person.block()
            case Deed.RETURN:
                await person.unblock()
                await person.send_text("/start")
            case Deed.CUT_STORAGE:
                os.kill(self.server.pid, signal.SIGKILL)
            case Deed.MEND_STORAGE:
                await asyncio.to_thread(self._mend_storage)
            case Deed.RETIRE_MODEL:
                world.kie.state.retire(world.app.desk.offers.offers()[0].id)
            case Deed.EMPTY_BALANCE:
                world.kie.state.set_balance(0)
            case Deed.TOP_UP:
                world.kie.state.set_balance(5000)
            case Deed.LIFT_FAULTS:
                world.faults.clear()

    def _mend_storage(self) -> None:
        self.server.stop()
        self.server.start()

    async def _replace_worker(self) -> None:
        await self.workers[-1].end(signal.SIGKILL)
        await self.hire()
