"""The soak's users: they begin, send photos, launch, tap twice, cancel, block, delete, talk nonsense."""

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image, ImageEnhance

from adapters.sandbox.story import Photo
from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_state import SandboxMessage, Tap
from bot.taps import Verb
from bot.wiring.customer import Button, Customer
from bot.wiring.darkroom import spoilt
from tests.soak.town import Town

FIRST: Final = 500_000
"""Id of the first user."""
LOOK_S: Final = 0.15
ANSWER_S: Final = 120.0
STORY_S: Final = 420.0
"""Real seconds a user waits for the end of a video's story."""
_COFFEE: Final = Path(__file__).parents[1] / "data" / "coffee.jpg"
_KEPT: Final = 12
"""Messages of a chat the sandbox remembers between two stories."""
REFUSED_S: Final = 20.0
"""A proposal that still shows its launch button so long after the tap was refused (launches are paused)."""
_HABITS: Final = {
    "buys": 66,
    "taps_thrice": 10,
    "cancels": 6,
    "sends_dark_photo": 5,
    "talks_nonsense": 5,
    "blocks_and_returns": 5,
    "deletes_status": 3,
}


@dataclass(slots=True)
class People:
    """Everybody, and what they saw. Latencies in real seconds."""

    town: Town
    users: int
    free: set[int] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[float, float]] = field(default_factory=list)
    """(moment, seconds until the bot said something)."""
    videos: list[tuple[float, float]] = field(default_factory=list)
    """(moment, seconds from the launch to the video in the chat)."""
    unended: list[str] = field(default_factory=list)
    """Stories nobody saw the end of: whose, what they did, what their chat shows."""
    photos: list[bytes] = field(default_factory=list)
    dark: bytes = b""
    busy: set[asyncio.Task[None]] = field(default_factory=set)

    def prepare(self) -> None:
        """Take the photos."""
        original = _COFFEE.read_bytes()
        with Image.open(io.BytesIO(original)) as opened:
            small = opened.convert("RGB")
        small.thumbnail((800, 800))
        for light in (0.9, 1.0, 1.1):
            out = io.BytesIO()
            ImageEnhance.Brightness(small).enhance(light).save(out, "JPEG", quality=88)
            self.photos.append(out.getvalue())
        self.dark = spoilt(self.photos[1], Photo.DARK)

    def customer(self, number: int) -> Customer:
        """The n-th user."""
        return Customer(self.town.telegram.person(FIRST + number))

    async def arrive(self, number: int) -> None:
        """A newcomer presses START."""
        customer = self.customer(number)
        customer.person.speak("ru" if number % 3 else "en")
        await customer.person.start()
        await self._answered(customer, 0)
        self.free.add(number)

    def begin(self) -> None:
        """Let somebody who is free do something; nobody when all are busy."""
        if not self.free:
            self.done["nobody free"] += 1
            return
        number = self.town.rng.choice(sorted(self.free))
        habit = self.town.rng.choices(list(_HABITS), list(_HABITS.values()))[0]
        self.free.discard(number)
        task = asyncio.create_task(self._live(number, habit))
        self.busy.add(task)
        task.add_done_callback(self.busy.discard)

    async def _live(self, number: int, habit: str) -> None:
        customer = self.customer(number)
        try:
            await (self._talk(customer) if habit == "talks_nonsense" else self._buy(customer, habit))
            self.done[habit] += 1
        finally:
            self._tidy(customer.person)
            self.free.add(number)

    # --- stories --------------------------------------------------------------------------------

    async def _talk(self, customer: Customer) -> None:
        rng, person = self.town.rng, customer.person
        for _ in range(rng.randint(1, 4)):
            seen = len(customer.messages)
            kind = rng.choice(
                ["/balance", "/history", "/help", "sticker", "voice", "<b>&", "/cancel", "video"]
            )
            await (person.send_text(kind) if kind[0] in "/<" else person.send_kind(kind))
            await self._answered(customer, seen)

    async def _buy(self, customer: Customer, habit: str) -> None:
        rng, person = self.town.rng, customer.person
        seen = len(customer.messages)
        await person.send_photo(self.dark if habit == "sends_dark_photo" else rng.choice(self.photos))
        if not await self._answered(customer, seen) or habit == "sends_dark_photo":
            return
        button = await self._launch_button(customer, seen)
        if button is None:
            self.done["no proposal"] += 1
            return
        taps = [await person.tap_anyway(*button) for _ in range(3 if habit == "taps_thrice" else 1)]
        if habit == "deletes_status":
            await asyncio.sleep(rng.uniform(0.5, 3))
            await person.delete(button.message_id)
        if habit == "cancels":
            await self._cancel(customer)
        if habit == "blocks_and_returns":
            await asyncio.sleep(rng.uniform(0.5, 4))
            await person.block()
            await asyncio.sleep(rng.uniform(3, 20))
            await person.unblock()
            await person.start()
        await self._end(customer, button, taps, habit)

    async def _launch_button(self, customer: Customer, seen: int) -> Button | None:
        """The launch button of a proposal newer than `seen` messages."""
        known = {message.message_id for message in customer.messages[:seen]}

        def found() -> Button | None:
            button = customer.button(Verb.LAUNCH)
            return button if button is not None and button.message_id not in known else None

        await _until(found, ANSWER_S)
        return found()

    async def _newest(self, customer: Customer, button: Button, taps: list[Tap]) -> Button:
        """Where a proposal was made twice, as after a store outage, people take the newer one."""
        await _until(lambda: customer.button(Verb.LAUNCH) != button, REFUSED_S)
        newest = customer.button(Verb.LAUNCH)
        if newest is None or newest.message_id <= button.message_id:
            return button
        taps.append(await customer.person.tap_anyway(*newest))
        return newest

    async def _cancel(self, customer: Customer) -> None:
        await asyncio.sleep(self.town.rng.uniform(0.2, 2))
        button = customer.button(Verb.CANCEL)
        if button is not None:
            await customer.person.tap_anyway(*button)

    async def _end(self, customer: Customer, button: Button, taps: list[Tap], habit: str) -> None:
        """Until the story is told to its end: a video, or last words with the money back."""
        began = taps[0].at_s
        button = await self._newest(customer, button, taps)
        grace = time.monotonic() + REFUSED_S

        def newer() -> list[SandboxMessage]:
            return [message for message in customer.messages if message.message_id >= button.message_id]

        def refused() -> bool:
            """The button still stands there, or was told off and its message is gone, too."""
            stands = customer.button(Verb.LAUNCH) == button
            return stands or (not newer() and all((tap.answer or {}).get("alert") for tap in taps))

        def told() -> bool:
            again = customer.button(Verb.AGAIN)
            if again is not None and again.message_id >= button.message_id:
                return True
            return time.monotonic() > grace and refused()

        if not await _until(told, STORY_S):
            self.done["story without an end"] += 1
            shown = [message.text[:60] for message in newer()]
            self.unended.append(f"{customer.person.id} {habit}: {shown}, {[tap.answer for tap in taps]}")
            return
        if refused():
            self.done["launch refused"] += 1
            return
        if any(message.message_id >= button.message_id for message in customer.films()):
            self.videos.append((time.monotonic(), time.monotonic() - began))
            self.done["saw a video"] += 1

    async def _answered(self, customer: Customer, seen: int) -> bool:
        """Until the bot has said something more."""
        began = time.monotonic()
        spoke = await _until(lambda: len(customer.messages) > seen, ANSWER_S)
        if spoke:
            self.answers.append((time.monotonic(), time.monotonic() - began))
        else:
            self.done["no answer"] += 1
        return spoke

    def _tidy(self, person: Person) -> None:
        """Forget what the sandbox remembers of the past, or it would be the one that grows."""
        world, messages = self.town.telegram.world, person.chat.messages
        for number in sorted(messages)[:-_KEPT]:
            for version in messages.pop(number).versions:
                for name in ("video", "document", "photo"):
                    media = version.body.get(name)
                    for each in media if isinstance(media, list) else [media] if media else []:
                        _forget(world.files, str(each.get("file_id", "")))
        person.chat.pushes.clear()
        person.chat.actions.clear()


def _forget(files: object, file_id: str) -> None:
    known, paths, sizes = files._files, files._paths, files._sizes  # type: ignore[attr-defined]
    stored = known.pop(file_id, None)
    if stored is not None:
        paths.pop(stored.path, None)
    sizes.pop(file_id, None)


async def _until(ready: Callable[[], object], limit_s: float) -> bool:
    give_up = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(LOOK_S)
    return True
