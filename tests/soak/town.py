"""The soak's installation: sandbox servers in this process, everything else in processes of its own."""

import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from adapters.embedded import EmbeddedConfig, EmbeddedServer
from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.kie_server import SandboxKie
from adapters.sandbox.telegram_server import SandboxTelegram
from bot.wiring.sandbox import ADMIN, free_port
from engine.clock import ScaledClock, SystemClock
from engine.randomness import SystemRandomness

READY_S: Final = 300.0
FILM_S: Final = 2.0
TRIAL: Final = 1000
"""Credits of a newcomer: enough for every launch of a soak."""


@dataclass(slots=True)
class Helper:
    """One process of the installation, restarted under the same name when it is killed."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    wanted: bool = False
    """Whether it should be running: one that is being killed is not missed."""

    def start(self) -> None:
        """Start it; its output goes on in the same file."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tests.soak.process", *self.arguments]
            environment = dict(self.environment)
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - ours
        self.starts += 1
        self.wanted = True

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None, "it was never started"
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """A signal to it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """Signal it and wait until it is gone."""
        self.wanted = False
        self.send(signal.SIGCONT)
        self.send(number)
        if self.process is not None:
            self.process.wait(READY_S)


@dataclass(slots=True)
class Town:
    """Everything that runs. `rng` is the soak's only source of chance."""

    rng: random.Random
    clock: ScaledClock
    telegram: SandboxTelegram
    kie: SandboxKie
    faults: FaultPlan
    server: EmbeddedServer
    redis: "Redis"
    helpers: dict[str, Helper] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def dead(self) -> list[str]:
        """Helpers that ended without having been told to."""
        wanted = [helper for helper in self.helpers.values() if helper.wanted]
        return [h.name for h in wanted if h.process is None or h.process.poll() is not None]


@asynccontextmanager
async def town(directory: Path, *, seed: int, factor: float) -> AsyncIterator[Town]:
    """Start it all; everything ends with the context. Files (logs, the store) stay in `directory`."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    token, key, port = f"123456:{secrets.token_urlsafe(26)}", secrets.token_hex(16), free_port()
    clock = ScaledClock(SystemClock(), factor, origin_ms=SystemClock().now_ms())
    faults = FaultPlan()
    async with AsyncExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(EmbeddedConfig(directory / "valkey")))
        telegram = await stack.enter_async_context(SandboxTelegram(token, clock, faults=faults))
        telegram.person(ADMIN).chat.started = True
        kie = SandboxKie(clock, SystemRandomness(), {key: 1e9}, faults=faults, film_s=FILM_S)
        await stack.enter_async_context(kie)
        redis = Redis.from_url(server.url, socket_timeout=10)
        stack.push_async_callback(redis.aclose)
        made = Town(random.Random(seed), clock, telegram, kie, faults, server, redis)
        made.environment = {
            **os.environ,
            "BOT_TOKEN": token,
            "KIE_API_KEY": key,
            "REDIS_URL": server.url,
            "REELSTATE_DATA_DIR": str(directory),
            "REELSTATE_PARTITIONS": "1",
            "REELSTATE_TELEGRAM_API": telegram.url,
            "REELSTATE_KIE_API": kie.url,
            "REELSTATE_KIE_FILES": kie.url,
            "REELSTATE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "REELSTATE_LISTEN_PORT": str(port),
            "REELSTATE_CALLBACK_SECRET": secrets.token_urlsafe(24),
            "REELSTATE_ADMIN_CHAT_ID": str(ADMIN),
            "REELSTATE_TRIAL_CREDITS": str(TRIAL),
        }
        for role, name in (("bot", "bot"), ("worker", "steady"), ("worker", "doomed")):
            helper = Helper(name, (role, name, clock.word), made.environment, directory / f"{name}.log")
            made.helpers[name] = helper
            helper.start()
            stack.callback(helper.end, signal.SIGKILL)
        await _ready(made)
        yield made


async def _ready(made: Town) -> None:
    """Until the bot polls and both workers have said that they work."""
    loop = asyncio.get_running_loop()
    until = loop.time() + READY_S
    while not (made.telegram.world.updates.polls and all(map(_works, made.helpers.values()))):
        if loop.time() > until or made.dead():
            raise RuntimeError(f"the installation did not come up: {made.dead()}")
        await asyncio.sleep(0.1)


def _works(helper: Helper) -> bool:
    return helper.name == "bot" or b"worker.started" in helper.log.read_bytes()
