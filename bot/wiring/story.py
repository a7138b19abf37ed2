"""One generation in a sandbox, from a photo to its end: a named scenario, compared with what it promises."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image, ImageEnhance, ImageFilter

from adapters.sandbox.scenarios import SCENARIOS
from adapters.sandbox.story import Deed, Photo, Scenario
from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_state import SandboxMessage
from bot.settings import SettingsError
from bot.taps import Verb
from bot.wiring.app import Role
from bot.wiring.deeds import Deeds, WorkerProcess
from bot.wiring.sandbox import ADMIN, PERSON, SCALE, World, open_world
from engine.errors import EngineError
from engine.telemetry import Field
from engine.values import Account, Entry, Event
from states.job import Job
from states.vocabulary import TERMINALS, NoticeKind, Trigger

_STEP_S: Final = 0.05
_TALK_S: Final = 20.0
"""Real seconds the bot may take to answer the person."""
STORY_S: Final = 150.0
"""Real seconds after which a story that has not ended is given up."""
_SLOW: Final = {"late_success": 300.0, "provider_balance": 60.0}
"""Stories of an hour run on a faster clock."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for the timeline. `at_s` clock seconds since the story began."""

    at_s: float
    what: str
    text: str


@dataclass(slots=True)
class Played:
    """A story that was played. `differences` is empty when it ended as its scenario says."""

    name: str
    scenario: Scenario
    job: Job | None = None
    before: Account = field(default_factory=lambda: Account(0, 0))
    after: Account = field(default_factory=lambda: Account(0, 0))
    creates: int = 0
    accepted: int = 0
    told: tuple[NoticeKind, ...] = ()
    messages: list[str] = field(default_factory=list)
    failures: int = 0
    history: list[dict[str, object]] = field(default_factory=list)
    statement: list[Entry] = field(default_factory=list)
    video: Path | None = None
    copies: int = 0
    alerts: int = 0
    differences: list[str] = field(default_factory=list)


async def play(
    name: str, photo: Path, tell: Callable[[Line], None], *, lang: str = "ru", save_to: Path | None = None
) -> Played:
    """Play a scenario with a photo. Raises SettingsError for a name or file that cannot be used."""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise SettingsError(f"There is no scenario {name}: `--scenario list` names them.")
    data = read_photo(photo)
    killed = any(act.deed is Deed.KILL_WORKER for act in scenario.acts)
    role = Role.BOT if killed else Role.BOTH
    async with open_world(scale=_SLOW.get(name, SCALE), role=role) as world:
        stage = _Stage(world, scenario, Played(name, scenario), tell, lang)
        async with stage.running(killed=killed):
            await stage.perform(mutated(data, scenario.photo))
        await stage.gather(save_to)
    _compare(stage.played)
    return stage.played


def read_photo(path: Path) -> bytes:
    """The file's bytes. Raises SettingsError with the mend."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"The photo {path} cannot be read ({reason}): give the path of a picture."
        ) from error


def mutated(data: bytes, how: Photo) -> bytes:
    """The photo as the story wants it: dark, blurred, tiny or broken."""
    if how is Photo.AS_IS:
        return data
    if how is Photo.BROKEN:
        return b"\x89PNG\r\n\x1a\n" + data[:64]
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    match how:
        case Photo.DARK:
            picture = ImageEnhance.Brightness(picture).enhance(0.04)
        case Photo.BLURRY:
            picture = picture.filter(ImageFilter.GaussianBlur(24))
        case Photo.TINY:
            picture.thumbnail((120, 120))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@dataclass(slots=True)
class _Stage:
    """A story being played."""

    world: World
    scenario: Scenario
    played: Played
    tell: Callable[[Line], None]
    lang: str
    notices: list[NoticeKind] = field(default_factory=list)
    started_ms: int = 0
    seen_balance: int | None = None

    @property
    def person(self) -> Person:
        return self.world.telegram.person(PERSON)

    # --- around the play ------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, *, killed: bool) -> AsyncIterator[None]:
        """The installation running, its events told, the deeds armed."""
        world, self.started_ms = self.world, self.world.clock.now_ms()
        server = world.app.server
        assert server is not None  # noqa: S101 - a sandbox runs on its own server
        world.extra["redis_url"] = server.url
        world.app.telemetry.subscribers.append(self._hear)
        deeds = Deeds(world, self.scenario.acts, server, lambda text: self._say("deed", text))
        feed = asyncio.create_task(self._follow(deeds))
        running = asyncio.create_task(world.app.run())
        try:
            if killed:
                first = WorkerProcess(world, "worker-1")
                await first.start()
                deeds.workers.append(first)
            await deeds.before()
            yield
        finally:
            world.app.stop.set()
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
            await running
            await deeds.finish()

    async def _follow(self, deeds: Deeds) -> None:
        """Tell every transition, in whichever process it was made."""
        after = "0"
        while True:
            try:
                events = await self.world.app.engine.events(after, block_s=1.0)
            except EngineError:
                await asyncio.sleep(_STEP_S)
                continue
            for event in events:
                after = event.id
                if event.trigger in set(Trigger):
                    deeds.moved("job.moved", {"edge": event.edge, "reason": event.data.get("reason")})
                self._say("move", _move_words(event))

    def _hear(self, name: str, fields: dict[str, Field]) -> None:
        if name == "notice.told":
            kind = NoticeKind(str(fields["kind"]))
            self.notices.append(kind)
            self._say("told", kind.value)
        elif name in ("job.late", "job.refused", "lease.lost", "store.lost", "gate.closed"):
            self._say(
                "note", " ".join([name, *(f"{k}={v}" for k, v in fields.items() if v not in (None, ""))])
            )

    def _say(self, what: str, text: str) -> None:
        self.tell(Line((self.world.clock.now_ms() - self.started_ms) / 1000, what, text))

    # --- the play -------------------------------------------------------------------------------

    async def perform(self, photo: bytes) -> None:
        """The person's part: /start, the photo, the launch; then wait for the end."""
        self.person.speak(self.lang)
        await self.person.start()
        await self._until(lambda: self._bot_says() > 0, "the bot's welcome", _TALK_S)
        engine = self.world.app.engine
        self.played.before = await engine.account(PERSON)
        before = self._bot_says()
        await self.person.send_photo(photo)
        await self._until(lambda: self._bot_says() > before, "an answer to the photo", _TALK_S)
        await self._until(lambda: self._launch() is not None or self._refused(), "a proposal", _TALK_S)
        launch = self._launch()
        if launch is None:
            return
        self.world.faults.extend(self.scenario.faults)
        await self.person.tap(*launch)
        await self._until_async(self._ended, "the end of the job", STORY_S)

    def _bot_says(self) -> int:
        return len(self.person.chat.by_bot())

    def _launch(self) -> tuple[int, str] | None:
        for message in reversed(self.person.chat.by_bot()):
            for row in message.buttons:
                for button in row:
                    data = str(button.get("callback_data", ""))
                    if data.startswith(f"{Verb.LAUNCH}:"):
                        return message.message_id, data
        return None

    def _refused(self) -> bool:
        return self.scenario.expected.end is None and self._bot_says() > 1

    async def _ended(self) -> bool:
        with suppress(EngineError):
            jobs = await self.world.app.engine.jobs_of(PERSON, 1)
            if not jobs or jobs[0].state not in TERMINALS:
                return False
            told = [kind for kind in self.notices if kind is not NoticeKind.STATUS]
            waits_for = self.scenario.expected.told
            return len(told) >= len(waits_for) and (not waits_for or waits_for[-1] in told)
        return False

    async def _until(self, ready: Callable[[], bool], what: str, limit_s: float) -> None:
        async def check() -> bool:
            return ready()

        await self._until_async(check, what, limit_s)

    async def _until_async(self, ready: Callable[[], object], what: str, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + limit_s
        while not await ready():  # type: ignore[misc]  # a coroutine function
            if loop.time() > give_up:
                self._say("note", f"gave up waiting for {what}")
                return
            await asyncio.sleep(_STEP_S)

    # --- what came of it ------------------------------------------------------------------------

    async def gather(self, save_to: Path | None) -> None:
        """Read the end from the store, the provider and the chat."""
        engine, played = self.world.app.engine, self.played
        jobs = await engine.jobs_of(PERSON, 1)
        played.job = jobs[0] if jobs else None
        played.after = await engine.account(PERSON)
        played.statement = list(reversed(await engine.statement(PERSON, 50)))
        played.history = await engine.history(played.job.id) if played.job else []
        played.failures = sum(1 for row in played.history if row.get("event") == Trigger.ERROR.value)
        played.creates = self.world.kie.state.creates
        played.accepted = self.world.kie.state.accepted
        played.told = tuple(kind for kind in self.notices if kind is not NoticeKind.STATUS)
        chat = self.person.chat
        played.messages = [_shown(version) for version in _versions(chat.by_bot())]
        films = [message for message in chat.by_bot() if message.kind in ("video", "document")]
        played.copies = len(films)
        played.alerts = len(self.world.telegram.person(ADMIN).chat.by_bot())
        if films and save_to is not None:
            played.video = self._saved(films[-1], save_to)

    def _saved(self, message: SandboxMessage, save_to: Path) -> Path | None:
        media = message.body.get(message.kind, {})
        stored = self.world.telegram.world.files.get(str(media.get("file_id", "")))
        if stored is None:
            return None
        save_to.parent.mkdir(parents=True, exist_ok=True)
        save_to.write_bytes(stored.data)
        return save_to


def _versions(messages: list[SandboxMessage]) -> list[tuple[int, str, str]]:
    """(time, kind, text) of everything the bot ever showed, in the order it was shown."""
    shown: list[tuple[int, str, str]] = []
    for message in messages:
        for version in message.versions:
            text = str(version.body.get("text") or version.body.get("caption") or "")
            if not shown or shown[-1][1:] != (version.kind, text):
                shown.append((version.at_ms, version.kind, text))
    return sorted(shown, key=lambda item: item[0])


def _shown(version: tuple[int, str, str]) -> str:
    _, kind, text = version
    return text if kind == "text" else f"[{kind}] {text}"


def _move_words(event: Event) -> str:
    facts = event.data
    reason = f"  {facts['reason']}" if facts.get("reason") else ""
    rule = f" by {facts['rule']}" if facts.get("rule") else ""
    delay = facts.get("delay_ms")
    wait = (
        f"  again in {delay / 1000:.0f} s" if isinstance(delay, int) and event.target == "retry_wait" else ""
    )
    return f"{event.source or '·'} → {event.target}  {event.trigger}{reason}{rule}{wait}"


def _compare(played: Played) -> None:
    expected, job = played.scenario.expected, played.job
    end = job.state if job is not None else None
    price = job.cost if job is not None else 0
    change = played.after.balance - played.before.balance
    checks = [
        ("end state", end, expected.end),
        ("told", played.told, expected.told),
        ("creates", played.creates, expected.creates),
        ("accepted tasks", played.accepted, expected.accepted),
        ("failures", played.failures, expected.failures),
        ("balance change", change, expected.balance_change * price),
        ("credits still held", played.after.held, 0),
        ("copies of the video", played.copies, 1 if end == "done" else played.copies),
    ]
    loose = {"creates", "accepted tasks", "failures"}
    played.differences = [
        f"{name}: {got!r}, expected {wanted!r}"
        for name, got, wanted in checks
        if got != wanted and not (wanted is None and name in loose)
    ]
