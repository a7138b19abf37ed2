"""A real worker in a process of its own, so that it can really be killed, frozen and outlived."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bot.settings import Settings
from bot.wiring.nursery import Nursery
from bot.wiring.sandbox import World
from bot.wiring.waiting import LOOK_S, until

READY_S: Final = 120.0
"""Real seconds a process may take to start, and to end: a deadline for a busy machine, never a pause."""


@dataclass(slots=True)
class WorkerProcess:
    """One worker of a sandbox's installation. `lines` is what it has said: one log line an event."""

    world: World
    nursery: Nursery
    name: str
    hear: Callable[[str], None] | None = None
    """Called with each line."""
    lines: list[str] = field(default_factory=list)
    pid: int = 0
    _seat: int = 0
    _reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it works. Raises RuntimeError when it does not."""
        log = self.world.directory / f"{self.name}.log"
        log.touch(mode=0o600)
        self._seat, word = self.world.clock.seat()
        arguments = ("worker", "--name", self.name, "--clock", word, "--call-s", f"{self.world.call_s:g}")
        environment = environment_of(os.environ, self.world.settings, self.world.extra["redis_url"])
        with self.world.clock.halted():
            self.pid = await asyncio.to_thread(self.nursery.bear, arguments, environment, log)
            self._reader = asyncio.create_task(self._read(str(log)))
            began = await until(lambda: self.says("worker.started") or not self.alive, READY_S)
        if not began or not self.alive:
            raise RuntimeError(f"the worker process did not start: {self.lines[-5:]}")

    @property
    def alive(self) -> bool:
        """Whether there is such a process (a frozen one is alive)."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def says(self, *words: str) -> bool:
        """Whether some line holds all these words."""
        return any(all(word in line for word in words) for line in self.lines)

    def send(self, number: signal.Signals) -> None:
        """Send a signal and go on. SIGSTOP freezes it where it is, SIGCONT lets it go on.

        Time does not wait for a frozen one: that is what freezing it is for.
        """
        clock = self.world.clock
        if number == signal.SIGSTOP:
            clock.excuse(self._seat)
        elif number == signal.SIGCONT:
            clock.expect(self._seat)
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def end(self, number: signal.Signals) -> None:
        """Send a signal (SIGKILL: it dies on the spot, SIGTERM: it hands its jobs back) and wait."""
        if self.pid:
            self.send(number)
            if not await until(lambda: not self.alive, READY_S):
                self.send(signal.SIGKILL)
        if self._reader is not None:
            await self._reader  # its last words

    async def _read(self, log: str) -> None:
        with open(log, encoding="utf-8", errors="replace") as file:  # noqa: ASYNC230, PTH123 - a small local file
            rest, dead = "", False
            while not dead:
                dead = not self.alive
                if dead:
                    self.world.clock.excuse(self._seat)
                *whole, rest = (rest + file.read()).split("\n")
                for line in whole:
                    self.lines.append(line)
                    if self.hear is not None:
                        self.hear(line)
                await asyncio.sleep(LOOK_S)


def environment_of(around: Mapping[str, str], settings: Settings, redis_url: str) -> dict[str, str]:
    """The variables by which another process joins this installation."""
    return {
        **around,
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
