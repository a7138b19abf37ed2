"""The person's part of a play: /start, a photo, the launch button, and a look at what the bot shows."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_state import SandboxMessage
from bot.taps import Verb
from bot.wiring.waiting import until

TALK_S: Final = 120.0
"""Real seconds the bot may take to answer the person."""


class Button(NamedTuple):
    """A button somebody could tap: `Person.tap` takes it as it is."""

    message_id: int
    data: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One look of a message: what the person saw from `at_ms` (clock) on."""

    at_ms: int
    kind: str
    text: str

    def __str__(self) -> str:
        return self.text if self.kind == "text" else f"[{self.kind}] {self.text}"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who buys a video. The waits are in real seconds; False means the bot did not answer."""

    person: Person

    @property
    def messages(self) -> list[SandboxMessage]:
        """The bot's messages in the chat, oldest first."""
        return self.person.chat.by_bot()

    async def begin(self, lang: str) -> bool:
        """Press START and wait for the welcome."""
        self.person.speak(lang)
        await self.person.start()
        return await until(lambda: self.messages, TALK_S)

    async def show(self, photo: bytes) -> bool:
        """Send a photo and wait for the answer: a proposal, or why it cannot be used."""
        before = len(self.messages)
        await self.person.send_photo(photo)
        return await until(lambda: len(self.messages) > before, TALK_S)

    async def launch(self) -> bool:
        """Tap the launch button of the newest proposal; False when there is none."""
        button = self.button(Verb.LAUNCH)
        if button is None:
            return False
        await self.person.tap(*button)
        return True

    def button(self, verb: Verb) -> Button | None:
        """The newest button of that verb."""
        for message in reversed(self.messages):
            for row in message.buttons:
                for button in row:
                    data = str(button.get("callback_data", ""))
                    if data.startswith(f"{verb}:"):
                        return Button(message.message_id, data)
        return None

    def films(self) -> list[SandboxMessage]:
        """Messages that hold a video now."""
        return [message for message in self.messages if message.kind in ("video", "document")]

    def saw(self) -> list[Shown]:
        """Everything the bot ever showed, in the order it was shown; a changed keyboard is nothing new."""
        shown: list[Shown] = []
        for message in self.messages:
            looks = [Shown(v.at_ms, v.kind, _words(v.body)) for v in message.versions]
            shown += [
                look
                for n, look in enumerate(looks)
                if n == 0 or (look.kind, look.text) != (looks[n - 1].kind, looks[n - 1].text)
            ]
        return sorted(shown, key=lambda look: look.at_ms)


def _words(body: dict[str, object]) -> str:
    return str(body.get("text") or body.get("caption") or "")
