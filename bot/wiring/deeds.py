"""What the sandbox's runner does in a story: kill a worker, cut the store, block the bot, mend things."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.embedded import EmbeddedServer
from adapters.sandbox.story import Act, Deed
from bot.settings import Settings
from bot.wiring.sandbox import PERSON, World
from engine.telemetry import Field

_READY_S = 30.0


@dataclass(slots=True)
class WorkerProcess:
    """A real worker in a process of its own, so that it can really be killed."""

    world: World
    name: str
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it works."""
        environment = {**os.environ, **environment_of(self.world.settings, self.world.extra["redis_url"])}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.cli",
            "worker",
            "--name",
            self.name,
            "--clock",
            self.world.clock.word,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(_READY_S):
            await self._ready()

    async def _ready(self) -> None:
        assert self._process is not None  # noqa: S101 - started just now
        assert self._process.stdout is not None  # noqa: S101 - piped above
        while line := await self._process.stdout.readline():
            if b"worker.started" in line:
                self.world.extra.setdefault("readers", []).append(asyncio.create_task(self._drain()))
                return
        raise RuntimeError("the worker process ended before it had begun")

    async def _drain(self) -> None:
        assert self._process is not None  # noqa: S101 - only called after start
        assert self._process.stdout is not None  # noqa: S101 - piped above
        tell: Callable[[str], None] | None = self.world.extra.get("worker_line")
        while line := await self._process.stdout.readline():
            if tell is not None:
                tell(line.decode(errors="replace"))

    async def end(self, number: signal.Signals) -> None:
        """Send a signal (SIGKILL: it dies on the spot, SIGTERM: it hands its jobs back) and wait."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()


def environment_of(settings: Settings, redis_url: str) -> dict[str, str]:
    """The variables by which another process joins this installation."""
    return {
        "BOT_TOKEN": settings.bot_token.get_secret_value(),
        "KIE_API_KEYS": settings.kie_api_keys.get_secret_value(),
        "REDIS_URL": redis_url,
        "REELSTATE_DATA_DIR": str(settings.data_dir),
        "REELSTATE_PARTITIONS": str(settings.partitions),
        "REELSTATE_TELEGRAM_API": settings.telegram_api,
        "REELSTATE_KIE_API": settings.kie_api,
        "REELSTATE_KIE_FILES": settings.kie_files,
        "REELSTATE_PUBLIC_URL": settings.public_url,
        "REELSTATE_CALLBACK_SECRET": settings.callback_secret.get_secret_value(),
        "REELSTATE_LISTEN_PORT": "0",
        "REELSTATE_ADMIN_CHAT_ID": str(settings.admin_chat_id),
        "REELSTATE_LOG_LEVEL": "INFO",
    }


@dataclass(slots=True)
class Deeds:
    """Does the acts of one story when their moment comes."""

    world: World
    acts: tuple[Act, ...]
    server: EmbeddedServer
    tell: Callable[[str], None]
    workers: list[WorkerProcess] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def before(self) -> None:
        """The acts that come before the submit."""
        for number, act in enumerate(self.acts):
            if act.on is None:
                self._done.add(number)
                await self._do(act)

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
        fresh = WorkerProcess(self.world, f"worker-{len(self.workers) + 1}")
        await fresh.start()
        self.workers.append(fresh)
