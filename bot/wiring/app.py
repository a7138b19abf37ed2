"""One installation, put together and run: store, front door, provider, Telegram, worker, relay, bot."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Flag, auto
from typing import Any

from aiogram import Bot
from aiogram.methods import SendMessage
from aiohttp import web

from adapters.embedded import EmbeddedConfig, EmbeddedServer
from adapters.kie.catalogue import Catalogue
from adapters.telegram.client import call
from adapters.telegram.poller import Poller, Problem
from adapters.telegram.quiet import Quiet
from adapters.telegram.webhook import set_webhook
from bot.admin import incident_text
from bot.desk import Desk, House
from bot.dispatch import UpdatePump
from bot.drafts import Drafts
from bot.informed import Finding, Informed
from bot.keyboards import Keyboards
from bot.menu import publish_commands
from bot.notices import Notices
from bot.ports import DropVideos
from bot.routers import make_dispatcher
from bot.settings import Settings
from bot.texts import Texts, load_texts
from bot.wiring import parts
from bot.wiring.forgetting import Forgetting
from bot.wiring.site import WEBHOOK_PATH, open_site
from bot.wiring.tuning import Tuning
from engine import logbook
from engine.alerts import Alerts, Incident, Tell, Word
from engine.assembly import make_late_watch, make_relay, make_worker
from engine.config import EngineConfig
from engine.ending import ended
from engine.front import Engine
from engine.late import LateWatch
from engine.ports import Alert, Clock, Courier, Notifier, Randomness, VideoMaker
from engine.relay import Relay
from engine.telemetry import Field, Telemetry
from engine.worker import Worker
from states.graph import GRAPH
from states.job import Hint
from states.validate import require_valid
from states.vocabulary import TERMINALS, Failure


class Role(Flag):
    """What this process does."""

    BOT = auto()
    WORKER = auto()
    BOTH = BOT | WORKER


@dataclass(slots=True)
class App:
    """The parts of a running installation. `run` works until `stop` is set."""

    settings: Settings
    tuning: Tuning
    role: Role
    engine: Engine
    bot: Bot
    desk: Desk
    catalogue: Catalogue
    maker: VideoMaker
    courier: Courier
    notifier: Notifier
    late: LateWatch
    alerts: Alerts
    relay: Relay
    telemetry: Telemetry
    name: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""
    """Why `run` ended by itself, one sentence; empty when it was asked to."""
    server: EmbeddedServer | None = None
    """Our own Valkey, when there is no REDIS_URL."""
    worker: Worker | None = None
    site: web.Application | None = None

    async def run(self) -> None:
        """Run the parts of this process's role until `stop` is set or nothing can go on."""
        tasks = [asyncio.create_task(part) for part in self._parts()]
        stopped = asyncio.create_task(self.stop.wait())
        try:
            done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            self.stop.set()
            if self.worker is not None:
                await self.worker.stop(grace_s=self.tuning.stop_grace_s)
            await ended(stopped, *tasks)

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        running: list[Coroutine[Any, Any, None]] = []
        if Role.BOT in self.role:
            running += [self._poll(), self._pump(), self.relay.run(), self.alerts.run()]
        if Role.WORKER in self.role:
            self.worker = self.hire(self.name)
            forgetting = Forgetting(self.engine, self.desk.drop_videos, self.telemetry)
            running += [self.worker.run(), self.late.run(), forgetting.run()]
        return running

    def hire(self, name: str) -> Worker:
        """A worker of that name over this installation."""
        keys = [key for key, _ in self.settings.api_keys]
        return make_worker(self.engine, self.maker, self.courier, self.telemetry, name=name, keys=keys)

    async def _poll(self) -> None:
        await publish_commands(self.bot, self.desk.texts)
        if self.settings.webhook:
            secret = self.settings.webhook_secret.get_secret_value()
            answer = await set_webhook(self.bot, self.settings.public_url + WEBHOOK_PATH, secret)
            if isinstance(answer, Failure):
                self.trouble = f"Telegram refused the webhook ({answer.message or answer.exception})."
                return
            await self.stop.wait()
            return
        poller = Poller(
            self.bot,
            self.engine.put_update,
            self.engine.store.clock,
            on_problem=self._problem,
            timeouts=self.tuning.telegram,
        )
        problem = await poller.run(self.stop)
        if problem is not None:
            self.trouble = "Telegram refuses BOT_TOKEN: copy it again from @BotFather."

    async def _problem(self, problem: Problem) -> None:
        self.telemetry.emit("poller.trouble", reason=problem.trouble)
        await self.engine.alert(Alert(f"poller:{problem.trouble}", "incident", f"updates: {problem.trouble}"))

    async def _pump(self) -> None:
        pump = UpdatePump(
            self.engine,
            make_dispatcher(self.desk),
            self.bot,
            self.engine.store.clock,
            reader=self.name,
            on_crash=logbook.crash,
        )
        await pump.run(self.stop)

    async def called(self, job_id: str, hint: Hint) -> bool:
        """A callback of the provider, believed: a hint for a live job, a look for an ended one."""
        job = await self.engine.job(job_id)
        if job is None:
            return False
        if job.state in TERMINALS:
            await self.late.call(job_id, hint.task_n, hint.task_id)
            return True
        return await self.engine.hint(job_id, hint)


@asynccontextmanager
async def open_app(
    settings: Settings,
    role: Role = Role.BOTH,
    *,
    tuning: Tuning | None = None,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    name: str = "main",
) -> AsyncIterator[App]:
    """Open everything an installation needs, close it in the reverse order.

    Raises SettingsError, EmbeddedError, StoreUnavailable, StoreMismatch; each is one sentence.
    """
    tuning = tuning or Tuning()
    require_valid(GRAPH)
    async with AsyncExitStack() as stack:
        engine, server = await _open_engine(
            settings, tuning, stack, attach=role is not Role.BOTH, clock=clock, randomness=randomness
        )
        app = await _assemble(settings, role, engine, tuning, name, stack)
        app.server = server
        app.site = await open_site(settings, engine, app.called, stack) if Role.BOT in role else None
        yield app


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """The engine's front door alone, for commands that look or act on a store others may be serving."""
    async with AsyncExitStack() as stack:
        engine, _ = await _open_engine(settings, Tuning(), stack, attach=True)
        yield engine


async def _open_engine(
    settings: Settings,
    tuning: Tuning,
    stack: AsyncExitStack,
    *,
    attach: bool,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> tuple[Engine, EmbeddedServer | None]:
    server, url = None, settings.redis_url.get_secret_value()
    if settings.embedded:
        config = EmbeddedConfig(settings.data_dir / "valkey", attach=attach)
        server = stack.enter_context(EmbeddedServer(config))
        url = server.url
    config_of_engine = _engine_config(tuning.engine, settings)
    engine = await Engine.connect(url, config_of_engine, clock=clock, randomness=randomness)
    stack.push_async_callback(engine.close)
    return engine, server


def _engine_config(base: EngineConfig, settings: Settings) -> EngineConfig:
    return replace(
        base,
        partitions=settings.store_partitions,
        trial_credits=settings.trial_credits,
        durability=settings.durability,
    )


async def _assemble(
    settings: Settings, role: Role, engine: Engine, tuning: Tuning, name: str, stack: AsyncExitStack
) -> App:
    clock, randomness = engine.store.clock, engine.store.randomness
    bot = parts.make_telegram(settings, tuning)
    stack.push_async_callback(bot.session.close)
    catalogue = parts.make_catalogue(settings)
    maker, client = parts.make_maker(settings, catalogue, bot, clock, randomness, tuning)
    stack.push_async_callback(client.aclose)
    alerts = engine.alerts(_alert_teller(settings, bot, load_texts(), tuning))
    desk = _desk(settings, engine, bot, catalogue, tuning, alerts, maker.drop_videos)
    quiet, telemetry = Quiet(clock), Telemetry([logbook.write])
    notifier = parts.make_notifier(bot, desk.notices, engine, settings, tuning, quiet)
    late = make_late_watch(engine, maker, telemetry)
    relay = make_relay(engine, Informed(notifier, engine, desk.offers), late, alerts.raise_alert, telemetry)
    stack.push_async_callback(late.queue.close)
    stack.push_async_callback(relay.outbox.close)
    return App(
        settings=settings,
        tuning=tuning,
        role=role,
        engine=engine,
        bot=bot,
        desk=desk,
        catalogue=catalogue,
        maker=maker,
        courier=Finding(parts.make_courier(bot, maker, desk.notices, engine, tuning, quiet), engine),
        notifier=notifier,
        late=late,
        alerts=alerts,
        relay=relay,
        telemetry=telemetry,
        name=name,
    )


def _desk(
    settings: Settings,
    engine: Engine,
    bot: Bot,
    catalogue: Catalogue,
    tuning: Tuning,
    alerts: Alerts,
    drop_videos: DropVideos,
) -> Desk:
    texts = load_texts()
    keyboards = Keyboards(texts)
    house = House(
        trial_credits=settings.trial_credits,
        support=settings.support,
        admin_chat_id=settings.admin_chat_id,
        admin_ids=frozenset(settings.admin_ids),
    )
    clock, randomness = engine.store.clock, engine.store.randomness
    return Desk(
        bot=bot,
        engine=engine,
        offers=parts.CatalogueOffers(catalogue, clock, settings.prices, settings.clip_s),
        fetch_photo=parts.photo_fetcher(bot, clock, tuning),
        inspect_photo=parts.inspect_photo,
        drafts=Drafts(engine, randomness.token),
        texts=texts,
        keyboards=keyboards,
        notices=Notices(texts, keyboards, house.support_words),
        house=house,
        drop_videos=drop_videos,
        incidents=alerts,
    )


def _alert_teller(settings: Settings, bot: Bot, texts: Texts, tuning: Tuning) -> Tell:
    async def tell(incident: Incident, word: Word) -> bool:
        """Show an incident in the admin chat; True when it got through or there is no such chat."""
        facts: dict[str, Field] = {
            "kind": incident.kind,
            "count": incident.count,
            "why": word,
            "text": incident.text,
        }
        logbook.write("alert.told", facts)
        if not settings.admin_chat_id:
            return True
        method = SendMessage(
            chat_id=settings.admin_chat_id,
            text=incident_text(texts, settings.admin_language, incident, word),
            parse_mode="HTML",
        )
        answer = await call(bot, method, timeout=tuning.telegram.small(), step="send")
        return not isinstance(answer, Failure)

    return tell
