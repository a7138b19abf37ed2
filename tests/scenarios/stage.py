"""A scenario played once, with everything a test wants to know of it."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.sandbox.scenarios import SCENARIOS
from bot.wiring.nursery import Nursery
from bot.wiring.played import Line, Played
from bot.wiring.sandbox import World
from bot.wiring.story import play
from engine import logbook
from engine.check.values import Finding
from engine.connection import Connection
from tests.audit import findings, secrets_of
from tests.harvest import FOLDER, gather

COFFEE: Final = Path(__file__).parents[1] / "data" / "coffee.jpg"
REQUIRED: Final = (
    "ok",
    "photo_too_dark",
    "no_product",
    "invalid_image",
    "adult_content",
    "kie_timeout",
    "rate_limited",
    "unavailable",
    "overloaded",
    "provider_error",
    "corrupted_video",
    "send_timeout_delivered",
    "send_timeout_lost",
    "send_failed",
    "user_blocked",
    "provider_balance",
    "model_retired",
    "create_unknown",
    "storage_lost",
    "worker_killed",
)
"""Played at every run; the other stories with REELSTATE_ALL_SCENARIOS=1 (they take some minutes)."""
QUICK: Final = ("preflight_dark", "preflight_broken", "send_unknown")
CHOSEN: Final = tuple(
    name
    for name in SCENARIOS
    if name in REQUIRED or name in QUICK or os.environ.get("REELSTATE_ALL_SCENARIOS", "") not in ("", "0")
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A play and what was found of it. `log` is all that this process has logged meanwhile."""

    played: Played
    lines: tuple[Line, ...]
    log: str
    broken: tuple[Finding, ...]
    secrets: tuple[str, ...]

    @property
    def said(self) -> str:
        """Everything that anybody could read: the chat, the operator's chat, timeline, history, log."""
        history = json.dumps(self.played.history, ensure_ascii=False, default=str)
        timeline = "\n".join(line.text for line in self.lines)
        texts = [*self.played.messages, *self.played.alerts, timeline, history, self.log]
        return "\n".join([*texts, repr(self.played.job)])


async def staged(name: str, nursery: Nursery, save_to: Path) -> Scene:
    """Play a scenario with the coffee photo and look into the store before it closes."""
    lines: list[Line] = []
    broken: list[Finding] = []
    secrets: list[str] = []
    log = io.StringIO()

    async def look(world: World, _: Played) -> None:
        broken.extend(await findings(world.extra["redis_url"]))
        if FOLDER in os.environ:
            async with Connection(world.extra["redis_url"]) as link:
                await gather(link, f"scenario {name}")
        secrets.extend(secrets_of(world.settings))

    logbook.open_logbook("DEBUG", log)
    try:
        played = await play(name, COFFEE, lines.append, save_to=save_to, look=look, nursery=nursery)
    finally:
        logbook.open_logbook("WARNING")
    return Scene(played, tuple(lines), log.getvalue(), tuple(broken), tuple(secrets))
