"""Films of people who deleted their data go from every machine, not only from the one that was asked."""

from dataclasses import dataclass
from typing import Final

from bot.ports import DropVideos
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.telemetry import Telemetry

EVERY_S: Final = 60.0
OVERLAP_MS: Final = 10 * 60_000
"""Looked at again each time: clocks differ, and a download that was under way may have ended since."""


@dataclass(slots=True)
class Forgetting:
    """Runs until cancelled, beside a worker. At its start it catches up with all that is still noted."""

    engine: Engine
    drop: DropVideos
    telemetry: Telemetry
    since_ms: int = 0

    async def run(self) -> None:
        """Look now, and every minute."""
        clock = self.engine.store.clock
        while True:
            try:
                await self.tick()
            except StoreUnavailable:
                self.telemetry.emit("store.lost", worker="forgetting")
            await clock.sleep(EVERY_S)

    async def tick(self) -> None:
        """Drop what was erased since the last look."""
        begun_ms = self.engine.store.clock.now_ms()
        await self.drop(await self.engine.erased_films(self.since_ms))
        self.since_ms = begun_ms - OVERLAP_MS
