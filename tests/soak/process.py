"""One process of the soak's installation: `python -m tests.soak.process bot|worker NAME FACTOR@ORIGIN`.

The real wiring with shorter memories: what is kept for days is kept for minutes here, so that half an hour
sees the whole life of every key.
"""

import asyncio
import signal
import sys
from dataclasses import dataclass, replace
from typing import Final

from bot.settings import load_settings
from bot.wiring.app import Role, open_app
from bot.wiring.sandbox import sandbox_tuning
from bot.wiring.tuning import Tuning
from engine import logbook
from engine.clock import ScaledClock, SystemClock
from engine.config import EngineConfig

KEEP_S: Final = 150
"""Real seconds for which ended jobs, launch buttons and update ids are kept."""
_ROLES: Final = {"bot": Role.BOT, "worker": Role.WORKER}


@dataclass(frozen=True, slots=True)
class Forgetful(EngineConfig):
    """The engine's numbers without its rules: real Telegram repeats updates for a day, the sandbox never."""

    def __post_init__(self) -> None:
        """Take any time."""


def soak_tuning(factor: float) -> Tuning:
    """The sandbox's, with short memories. Key lifetimes are real seconds, the feed's is the clock's."""
    base = sandbox_tuning(factor)
    engine = Forgetful(
        lease_ms=base.engine.lease_ms,
        inbox_lease_ms=base.engine.inbox_lease_ms,
        outbox_lease_ms=base.engine.outbox_lease_ms,
        limits=base.engine.limits,
        retention_s=KEEP_S,
        idem_s=KEEP_S,
        update_memory_s=KEEP_S,
        feed_s=round(KEEP_S * factor),
    )
    return replace(base, engine=engine)


async def _serve(role: Role, name: str, word: str) -> None:
    factor, _, origin = word.partition("@")
    clock = ScaledClock(SystemClock(), float(factor), int(origin))
    settings = load_settings(None)
    logbook.open_logbook(settings.log_level)
    async with open_app(settings, role, tuning=soak_tuning(clock.factor), clock=clock, name=name) as app:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, app.stop.set)
        await app.run()


if __name__ == "__main__":
    asyncio.run(_serve(_ROLES[sys.argv[1]], *sys.argv[2:4]))
