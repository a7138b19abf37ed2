"""The demo's page: a sandbox whose person sits in a browser, beside the job's state drawn live."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.sandbox.chat_page import PageOptions
from adapters.sandbox.scenarios import SCENARIOS
from adapters.sandbox.story import Deed, Scenario
from bot.settings import SettingsError
from bot.wiring.app import App
from bot.wiring.deeds import Deeds
from bot.wiring.live import LIVE_PATH, mount_sandbox_live
from bot.wiring.sandbox import PERSON, World, open_world
from engine.ending import ended
from engine.errors import EngineError
from engine.front import Engine
from engine.telemetry import Field
from states.vocabulary import Trigger

_PAUSE_S = 0.2


def scenario_rows() -> list[dict[str, str]]:
    """The scenarios by name and title."""
    return [
        {"name": name, "title_en": story.title_en, "title_ru": story.title_ru, "about": _about(story)}
        for name, story in SCENARIOS.items()
    ]


def _about(story: Scenario) -> str:
    return story.reason.value if story.reason is not None else ""


@dataclass(slots=True)
class PageWorld:
    """A sandbox with a page, and the scenario that is armed."""

    world: World | None = None
    deeds: Deeds | None = None
    _queues: list[asyncio.Queue[Mapping[str, Any]]] = field(default_factory=list)

    @property
    def app(self) -> App:
        """The installation behind the page."""
        return self._open().app

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._open().telegram.url

    def engine(self) -> Engine | None:
        """The engine, None while it is being opened."""
        return self.world.app.engine if self.world is not None else None

    def _open(self) -> World:
        assert self.world is not None  # noqa: S101 - set before anybody may ask
        return self.world

    async def run(self) -> None:
        """Run the installation and tell the page what its jobs do."""
        following = asyncio.create_task(self._follow())
        try:
            await self.app.run()
        finally:
            await ended(following)

    # --- what the page asks for -----------------------------------------------------------------

    async def job_feed(self) -> AsyncIterator[Mapping[str, Any]]:
        """Transitions, as the page draws them."""
        queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)

    async def choose(self, name: str) -> None:
        """Arm a scenario for the next generation; the one before it is over."""
        world, story = self._open(), SCENARIOS.get(name)
        if story is None:
            raise SettingsError(f"There is no scenario {name}.")
        if self.deeds is not None:
            await self.deeds.finish()
        world.faults.clear()
        world.kie.state.retired = set(world.extra["retired"])
        world.kie.state.set_balance(5000)
        world.faults.extend(story.faults)
        server = world.app.server
        assert server is not None  # noqa: S101 - a sandbox runs on its own server
        self.deeds = Deeds(world, story.acts, server, lambda _: None)
        await self.deeds.before()

    def counters(self) -> Mapping[str, int]:
        """Numbers beside the chat."""
        state = self._open().kie.state
        return {"creates": state.creates, "accepted": state.accepted, "billed": round(state.billed)}

    async def _follow(self) -> None:
        engine, after = self.app.engine, "$"
        while True:
            try:
                events = await engine.events(after, block_s=5.0)
                for event in events:
                    after = event.id
                    account = await engine.account(event.user_id)
                    await self._tell(event, account.balance, account.held)
            except EngineError:
                await asyncio.sleep(_PAUSE_S)

    async def _tell(self, event: Any, balance: int, held: int) -> None:
        facts: dict[str, Field] = {"edge": event.edge, "reason": event.data.get("reason")}
        if self.deeds is not None and event.trigger in set(Trigger) and event.user_id == PERSON:
            self.deeds.moved("job.moved", facts)
        told = {
            "job": event.job_id,
            "user": event.user_id,
            "seq": event.seq,
            "from": event.source,
            "to": event.target,
            "trigger": event.trigger,
            "edge": event.edge,
            "reason": event.data.get("reason") or "",
            "ms": event.ms,
            "balance": balance,
            "held": held,
        }
        for queue in self._queues:
            queue.put_nowait(told)


@asynccontextmanager
async def open_page(*, port: int, scale: float, lang: str) -> AsyncIterator[PageWorld]:
    """A sandbox with its chat page, whose user speaks `lang`. Stories that kill a process are left out."""
    page = PageWorld()
    killing = {
        name for name, story in SCENARIOS.items() if any(a.deed is Deed.KILL_WORKER for a in story.acts)
    }
    options = PageOptions(
        job_feed=page.job_feed,
        scenarios=[row for row in scenario_rows() if row["name"] not in killing],
        choose_scenario=page.choose,
        counters=page.counters,
        user_id=PERSON,
        live=f"{LIVE_PATH}/",
        add_pages=lambda site: mount_sandbox_live(site, page.engine, "/"),
    )
    async with open_world(scale=scale, page=options, port=port) as world:
        world.extra["retired"] = frozenset(world.kie.state.retired)
        world.extra["redis_url"] = world.app.server.url if world.app.server else ""
        world.telegram.person(PERSON).speak(lang)
        page.world = world
        yield page
