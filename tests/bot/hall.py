"""The whole conversation for tests: a person with the sandbox's Telegram, the real engine, the real bot."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiogram import Bot

from adapters.photo import PhotoFault, inspect
from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_server import SandboxTelegram
from adapters.sandbox.telegram_state import SandboxMessage, Tap
from adapters.telegram.client import make_bot
from adapters.telegram.files import fetch_photo
from adapters.telegram.poller import RawUpdates, chat_of
from bot.desk import Desk, House
from bot.dispatch import UpdatePump
from bot.drafts import Drafts
from bot.keyboards import Keyboards
from bot.notices import Notices
from bot.ports import DropVideos, Fitness, Offer
from bot.routers import make_dispatcher
from bot.texts import load_texts
from engine.alerts import Incident, Word
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.ports import Alert
from engine.randomness import SeededRandomness
from engine.values import Account
from states.job import Job

TOKEN = "4242:" + "sandbox-token-of-a-test"
ADMIN = 900
COFFEE = Path(__file__).parents[1] / "data" / "coffee.jpg"
SEEDANCE = Offer("bytedance/seedance-1.5-pro", "Seedance 1.5 Pro", 1, (80, 170))
KLING = Offer("kling-3.0/video", "Kling 3.0", 4, (120, 240), prompt_limit=2500)


@cache
def coffee() -> bytes:
    """A photograph that passes the preflight."""
    return COFFEE.read_bytes()


@dataclass(slots=True)
class Shelf:
    """Offers that a test may change."""

    items: list[Offer] = field(default_factory=lambda: [SEEDANCE, KLING])

    def offers(self) -> Sequence[Offer]:
        return self.items

    def title(self, model: str) -> str:
        return next((o.title for o in (SEEDANCE, KLING) if o.id == model), "")


class PosedEngine(Engine):
    """The real engine, except that a test may pose a job in a later state or lose an answer."""

    account_lost: bool = False
    poses: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    alerted: tuple[Alert, ...] = ()
    dropped: tuple[str, ...] = ()
    """Videos whose files were to be deleted."""

    def pose(self, job_id: str, **fields: Any) -> None:
        self.poses = {**self.poses, job_id: fields}

    def _posed(self, job: Job) -> Job:
        return replace(job, **self.poses.get(job.id, {}))

    async def job(self, job_id: str) -> Job | None:
        job = await super().job(job_id)
        return None if job is None else self._posed(job)

    async def jobs_of(self, user_id: int, limit: int = 10) -> list[Job]:
        return [self._posed(job) for job in await super().jobs_of(user_id, limit)]

    async def account(self, user_id: int) -> Account:
        if self.account_lost:
            raise StoreUnavailable("the test cut the line")
        return await super().account(user_id)

    async def alert(self, alert: Alert) -> None:
        self.alerted = (*self.alerted, alert)


async def _told(_incident: Incident, _word: Word) -> bool:
    return True


def _drop_later(engine: PosedEngine) -> DropVideos:
    async def drop(videos: Sequence[str]) -> None:
        engine.dropped = (*engine.dropped, *videos)

    return drop


async def _inspect(data: bytes) -> Fitness:
    found = await asyncio.to_thread(inspect, data)
    if isinstance(found, PhotoFault):
        return Fitness(found.reason, found.fact, found.measured, found.limit, found.detail)
    return Fitness()


@dataclass(slots=True)
class Hall:
    """One running bot and its world."""

    telegram: SandboxTelegram
    engine: PosedEngine
    bot: Bot
    shelf: Shelf
    clock: ManualClock
    pump: UpdatePump
    desk: Desk
    offset: int = 0

    def person(self, user_id: int = 1001) -> Person:
        return self.telegram.person(user_id)

    async def settle(self) -> None:
        """Fetch, store and handle updates until there are none."""
        while True:
            for update in await self.bot(RawUpdates(offset=self.offset, limit=100, timeout=0)):
                self.offset = update["update_id"] + 1
                raw = self.bot.session.json_dumps(update).encode()
                await self.engine.put_update(update["update_id"], chat_of(update), raw)
            if await self.pump.turn() == 0:
                return

    async def begin(self, person: Person, caption: str = "") -> SandboxMessage:
        """/start, a good photo, and the proposal that answers it."""
        await person.start()
        await person.send_photo(coffee(), caption)
        await self.settle()
        return last(person)

    async def tap(self, person: Person, message: SandboxMessage, verb: str, arg: str = "") -> Tap:
        """Press the button of that verb (and argument) and let it be handled."""
        tap = await person.tap(message.message_id, data_of(message, verb, arg))
        await self.settle()
        return tap

    async def launch(self, person: Person) -> Job:
        """A queued job of this person."""
        proposal = await self.begin(person)
        await self.tap(person, proposal, "go")
        return (await self.engine.jobs_of(person.id))[0]


def last(person: Person) -> SandboxMessage:
    """The newest message of the bot."""
    return person.chat.by_bot()[-1]


def data_of(message: SandboxMessage, verb: str, arg: str = "") -> str:
    """The callback data of the button with that verb."""
    for row in message.buttons:
        for button in row:
            data = str(button.get("callback_data", ""))
            if data.split(":", maxsplit=1)[0] == verb and (not arg or data.endswith(f":{arg}")):
                return data
    raise LookupError(f"no button {verb} {arg} under {message.text!r}: {message.buttons}")


def verbs(message: SandboxMessage) -> set[str]:
    """The verbs of all buttons under a message."""
    return {str(b.get("callback_data", "")).split(":")[0] for row in message.buttons for b in row}


def said(tap: Tap) -> str:
    """The text a tap was answered with."""
    assert tap.answer is not None, "the tap was not answered"
    return str(tap.answer.get("text") or "")


@asynccontextmanager
async def open_hall(redis_url: str, *, trial: int = 2, support: str = "") -> AsyncIterator[Hall]:
    """Everything running, closed in order."""
    clock, randomness = ManualClock(), SeededRandomness(7)
    engine = await PosedEngine.connect(redis_url, EngineConfig(), clock=clock, randomness=randomness)
    telegram = SandboxTelegram(TOKEN, clock, faults=FaultPlan())
    async with telegram:
        bot = make_bot(TOKEN, telegram.url)
        try:
            yield _furnished(engine, telegram, bot, House(trial, support, admin_ids=frozenset({ADMIN})))
        finally:
            await bot.session.close()
            await engine.close()


def _furnished(engine: PosedEngine, telegram: SandboxTelegram, bot: Bot, house: House) -> Hall:
    texts = load_texts()
    keyboards = Keyboards(texts)
    shelf = Shelf()
    clock = engine.store.clock
    assert isinstance(clock, ManualClock)
    desk = Desk(
        bot=bot,
        engine=engine,
        offers=shelf,
        fetch_photo=partial(fetch_photo, bot, clock=clock),
        inspect_photo=_inspect,
        drafts=Drafts(engine, engine.store.randomness.token),
        texts=texts,
        keyboards=keyboards,
        notices=Notices(texts, keyboards, house.support_words),
        house=house,
        drop_videos=_drop_later(engine),
        incidents=engine.alerts(_told),
    )
    pump = UpdatePump(engine, make_dispatcher(desk), bot, clock, reader="test")
    return Hall(telegram, engine, bot, shelf, clock, pump, desk)
