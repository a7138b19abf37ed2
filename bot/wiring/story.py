"""One generation in a sandbox, from a photo to its end: a named scenario, compared with what it promises."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters import video
from adapters.sandbox.scenarios import SCENARIOS
from adapters.sandbox.story import Deed, Scenario
from adapters.sandbox.telegram_state import SandboxMessage
from bot.settings import SettingsError
from bot.taps import Verb
from bot.wiring.app import Role
from bot.wiring.customer import Customer
from bot.wiring.darkroom import read_photo, spoilt
from bot.wiring.deeds import Deeds
from bot.wiring.nursery import Nursery
from bot.wiring.played import Film, Line, Played, compare
from bot.wiring.sandbox import ADMIN, PERSON, SCALE, World, open_world
from bot.wiring.waiting import until_async
from engine.ending import ended
from engine.errors import EngineError
from engine.telemetry import Field
from engine.values import Entry, Event
from states.vocabulary import TERMINALS, Failure, NoticeKind, State, Trigger

__all__ = ["Line", "Played", "play"]

STORY_S: Final = 600.0
"""Real seconds after which a story that has not ended is given up; on a busy machine its clock is slower."""
_PAUSE_S: Final = 0.05
_SCALES: Final = {"late_success": 120.0, "render_slow": 200.0}
"""Stories that take long run on a faster clock."""
_KILLING: Final = 40.0
"""Another process takes real seconds to begin, which this clock must not turn into many minutes."""
_NOTEWORTHY: Final = ("job.late", "job.refused", "lease.lost", "store.lost", "gate.closed")

Tell = Callable[[Line], None]
Look = Callable[[World, Played], Awaitable[None]]


async def play(
    name: str,
    photo: Path,
    tell: Tell,
    *,
    lang: str = "ru",
    save_to: Path | None = None,
    look: Look | None = None,
    nursery: Nursery | None = None,
) -> Played:
    """Play a scenario with a photo. `look` may inspect the world before it is closed.

    `nursery`: where worker processes come from, when the caller has one already.

    Raises SettingsError for a name or file that cannot be used.
    """
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise SettingsError(f"There is no scenario {name}: `--scenario list` names them.")
    data = read_photo(photo)
    killed = any(act.deed is Deed.KILL_WORKER for act in scenario.acts)
    role = Role.BOT if killed else Role.BOTH
    scale = _SCALES.get(name, _KILLING if killed else SCALE)
    async with AsyncExitStack() as stack:
        if nursery is None:
            nursery = Nursery()
            stack.callback(nursery.close)
        world = await stack.enter_async_context(open_world(scale=scale, role=role))
        stage = _Stage(world, scenario, Played(name, scenario), tell, lang)
        async with stage.running(nursery if killed else None):
            await stage.perform(spoilt(data, scenario.photo))
        await stage.gather(save_to)
        if look is not None:
            await look(world, stage.played)
    return stage.played


@dataclass(slots=True)
class _Stage:
    """A story being played."""

    world: World
    scenario: Scenario
    played: Played
    tell: Tell
    lang: str
    notices: list[NoticeKind] = field(default_factory=list)
    started_ms: int = 0
    pushed: int = 0

    @property
    def customer(self) -> Customer:
        return Customer(self.world.telegram.person(PERSON))

    # --- around the play ------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, nursery: Nursery | None) -> AsyncIterator[None]:
        """The installation running, its events told, the deeds armed. `nursery`: workers run apart."""
        world, self.started_ms = self.world, self.world.clock.now_ms()
        server = world.app.server
        assert server is not None  # noqa: S101 - a sandbox runs on its own server
        world.extra["redis_url"] = server.url
        world.app.telemetry.subscribers.append(self._hear)
        deeds = Deeds(world, self.scenario.acts, server, lambda text: self._say("deed", text), nursery)
        deeds.hear = self._hear_line
        feed = asyncio.create_task(self._follow(deeds))
        running = asyncio.create_task(world.app.run())
        try:
            if nursery is not None:
                await deeds.hire()
            await deeds.before()
            yield
        finally:
            world.app.stop.set()
            await ended(feed)
            await running
            await deeds.finish()

    async def _follow(self, deeds: Deeds) -> None:
        """Tell every transition, in whichever process it was made."""
        after, engine = "0", self.world.app.engine
        while True:
            try:
                for event in await engine.events(after, block_s=1.0):
                    if event.trigger in set(Trigger):
                        deeds.moved("job.moved", {"edge": event.edge, "reason": event.data.get("reason")})
                    await self._tell_move(event)
                    after = event.id
            except EngineError:
                await asyncio.sleep(_PAUSE_S)

    async def _tell_move(self, event: Event) -> None:
        moved = [
            entry
            for entry in await self.world.app.engine.statement(event.user_id, 50)
            if entry.id == f"{event.job_id}:{event.seq}"
        ]
        self._say("move", _move_words(event))
        for entry in moved:
            self._say("money", _money_words(entry))

    def _hear(self, name: str, fields: dict[str, Field]) -> None:
        if name == "notice.told":
            kind = NoticeKind(str(fields["kind"]))
            self.notices.append(kind)
            self._say("told", kind.value)
        elif name in _NOTEWORTHY:
            words = (f"{key}={value}" for key, value in fields.items() if value not in (None, ""))
            self._say("note", " ".join([name, *words]))

    def _hear_line(self, line: str) -> None:
        _, _, words = line.partition(" ")
        _, _, event = words.partition(" ")
        if event.lstrip().startswith(_NOTEWORTHY):
            self._say("note", event.strip())

    def _say(self, what: str, text: str) -> None:
        self.tell(Line((self.world.clock.now_ms() - self.started_ms) / 1000, what, text))

    # --- the play -------------------------------------------------------------------------------

    async def perform(self, photo: bytes) -> None:
        """The person's part: /start, the photo, the launch; then wait for the end."""
        customer = self.customer
        if not await customer.begin(self.lang):
            return self._give_up("the bot's welcome")
        self.played.before = await self.world.app.engine.account(PERSON)
        if not await customer.show(photo):
            return self._give_up("an answer to the photo")
        if customer.button(Verb.LAUNCH) is None:
            return None  # refused; the comparison says whether that is right
        self.pushed = len(customer.person.chat.pushes)
        self.world.faults.extend(self.scenario.faults)
        await customer.launch()
        if not await until_async(self._ended, STORY_S):
            self._give_up("the end of the story")
        return None

    def _give_up(self, what: str) -> None:
        self.played.gave_up = what
        self._say("note", f"gave up waiting for {what}")

    async def _ended(self) -> bool:
        with suppress(EngineError):
            jobs = await self.world.app.engine.jobs_of(PERSON, 1)
            if not jobs or jobs[0].state not in TERMINALS:
                return False
            expected = self.scenario.expected
            waiting = await self.world.app.relay.outbox.depth()  # one notice too many is in there
            return len(expected.counted(self.notices)) >= len(expected.told) and not waiting.entries
        return False

    # --- what came of it ------------------------------------------------------------------------

    async def gather(self, save_to: Path | None) -> None:
        """Read the end from the store, the provider and the chat."""
        engine, played, customer = self.world.app.engine, self.played, self.customer
        jobs = await engine.jobs_of(PERSON, 1)
        played.job = jobs[0] if jobs else None
        played.after = await engine.account(PERSON)
        played.statement = list(reversed(await engine.statement(PERSON, 50)))
        played.history = await engine.history(played.job.id) if played.job else []
        played.failures = sum(1 for row in played.history if row.get("event") == Trigger.ERROR.value)
        played.creates = self.world.kie.state.creates
        played.accepted = self.world.kie.state.accepted
        played.told = tuple(kind for kind in self.notices if kind is not NoticeKind.STATUS)
        played.saw = customer.saw()
        played.pushes = len(customer.person.chat.pushes) - self.pushed if played.job else 0
        films = customer.films()
        played.copies = len(films)
        played.alerts = [message.text for message in self.world.telegram.person(ADMIN).chat.by_bot()]
        if films and save_to is not None:
            played.film = await self._saved(films[-1], save_to)
        played.differences = compare(played)

    async def _saved(self, message: SandboxMessage, save_to: Path) -> Film | None:
        media = message.body.get(message.kind, {})
        stored = self.world.telegram.world.files.get(str(media.get("file_id", "")))
        if stored is None:
            return None
        await asyncio.to_thread(_write, save_to, stored.data)
        facts = await asyncio.to_thread(video.probe, save_to)
        return Film(save_to, None if isinstance(facts, Failure) else facts)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _move_words(event: Event) -> str:
    facts = event.data
    words = [f"{event.source or '·'} → {event.target}", event.trigger]
    if facts.get("reason"):
        words.append(f"{facts['reason']} ({facts.get('cls', '')}, rule {facts.get('rule', '')})")
    delay = facts.get("delay_ms")
    if event.target == State.RETRY_WAIT:
        words.append(
            f"again in {delay / 1000:.0f} s" if isinstance(delay, int) and delay else "again at once"
        )
    return "  ".join(words)


def _money_words(entry: Entry) -> str:
    return f"{entry.kind.value} {entry.amount}: free balance {entry.balance} ({entry.delta:+d})"
