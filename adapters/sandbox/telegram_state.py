"""What the sandbox's Telegram knows: people, messages with every version they had, pushes, commands, taps.

Only private chats: a chat's id is its person's id, as in Telegram. Times are ms of the injected clock.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.sandbox.telegram_feed import Feed
from adapters.sandbox.telegram_files import FileStore
from adapters.sandbox.telegram_updates import UpdateQueue
from engine.ports import Clock

Json = dict[str, Any]

MEDIA = (
    "photo",
    "video",
    "document",
    "animation",
    "sticker",
    "voice",
    "audio",
    "video_note",
    "contact",
    "location",
)
"""Fields of a message that make it something else than text."""

CALLBACK_TTL_S = 15
"""How long a tap may be answered. Real seconds: the answer travels over real HTTP, whatever the clock."""


class Refused(Exception):  # noqa: N818 - the server's word: a refused call, never a bug
    """A method call refused the way Telegram refuses: HTTP status, sentence and parameters."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})


def bad_request(sentence: str) -> Refused:
    """A 400 with Telegram's prefix."""
    return Refused(400, f"Bad Request: {sentence}")


@dataclass(frozen=True, slots=True)
class Version:
    """What a message was from `at_ms` on. `method` is the call that made it so."""

    at_ms: int
    method: str
    body: Json

    @property
    def kind(self) -> str:
        """`text`, `photo`, `video` ..."""
        return next((kind for kind in MEDIA if kind in self.body), "text")


@dataclass(slots=True)
class SandboxMessage:
    """One message with its whole past. `body` holds the Bot API fields that an edit may change."""

    chat_id: int
    message_id: int
    by_bot: bool
    date_ms: int
    versions: list[Version]
    fixed: Json = field(default_factory=dict)
    """Fields that no edit changes: media_group_id, reply_to_message_id, effect_id."""
    markup: Json | None = None
    """A reply keyboard sent along: it is not part of the message, but forbids edits."""
    deleted_ms: int | None = None

    @property
    def body(self) -> Json:
        """The message as it is now."""
        return self.versions[-1].body

    @property
    def kind(self) -> str:
        """`text`, `photo`, `video` ..."""
        return self.versions[-1].kind

    @property
    def text(self) -> str:
        """Its text or caption now."""
        return str(self.body.get("text") or self.body.get("caption") or "")

    @property
    def buttons(self) -> list[list[Json]]:
        """Rows of the inline keyboard."""
        rows: list[list[Json]] = self.body.get("reply_markup", {}).get("inline_keyboard", [])
        return rows


@dataclass(frozen=True, slots=True)
class Push:
    """A push notification on the person's phone. Edits make none."""

    at_ms: int
    message_id: int
    silent: bool


@dataclass(slots=True)
class Chat:
    """One person and their private chat with the bot."""

    id: int
    first_name: str = "Anna"
    username: str = ""
    language_code: str = "ru"
    started: bool = False
    blocked: bool = False
    messages: dict[int, SandboxMessage] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)
    actions: list[tuple[int, str]] = field(default_factory=list)
    draft: Json | None = None
    free_at_ms: int = 0
    """Flood control: when the next message is welcome."""

    def person(self) -> Json:
        """The Bot API's User."""
        made: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.username:
            made["username"] = self.username
        if self.language_code:
            made["language_code"] = self.language_code
        return made

    def api(self) -> Json:
        """The Bot API's Chat."""
        made: Json = {"id": self.id, "type": "private", "first_name": self.first_name}
        return {**made, "username": self.username} if self.username else made

    def shown(self) -> list[SandboxMessage]:
        """Messages the person sees, oldest first."""
        return [message for message in self.messages.values() if message.deleted_ms is None]

    def by_bot(self) -> list[SandboxMessage]:
        """The bot's messages the person sees, oldest first."""
        return [message for message in self.shown() if message.by_bot]

    @property
    def last(self) -> SandboxMessage | None:
        """The newest message the person sees."""
        shown = self.shown()
        return shown[-1] if shown else None


@dataclass(slots=True)
class Tap:
    """A tapped button: a callback query."""

    id: str
    chat_id: int
    message_id: int
    data: str
    at_s: float
    """When, on the machine's monotonic clock."""
    answer: Json | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One method call the bot made. `outcome` is the HTTP status said, or `hang`/`cut`."""

    at_ms: int
    method: str
    chat_id: int | None
    outcome: str
    error: str = ""


class World:
    """All of the sandbox's Telegram: one bot, its people, files and waiting updates."""

    def __init__(self, clock: Clock, bot: Json, min_gap_ms: int = 0) -> None:
        self.clock = clock
        self.bot = bot
        self.min_gap_ms = min_gap_ms
        self.chats: dict[int, Chat] = {}
        self.files = FileStore()
        self.feed = Feed()
        self.updates = UpdateQueue()
        self.taps: dict[str, Tap] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        """Bot descriptions by (method's noun, language)."""
        self.webhook: Json = {"url": ""}
        self.calls: list[CallRecord] = []
        self._message_ids = itertools.count(1)
        self._serials = itertools.count(1)

    def chat(self, chat_id: int) -> Chat:
        """The chat of a person; made known when new."""
        if chat_id not in self.chats:
            self.chats[chat_id] = Chat(chat_id)
        return self.chats[chat_id]

    def serial(self) -> int:
        """A number never given before: ids of taps, albums, updates' own things."""
        return next(self._serials)

    def put(
        self, chat: Chat, body: Json, *, by_bot: bool, method: str, fixed: Json | None = None
    ) -> SandboxMessage:
        """Add a message to a chat and show it to the person's page."""
        now = self.clock.now_ms()
        message = SandboxMessage(
            chat.id, next(self._message_ids), by_bot, now, [Version(now, method, body)], fixed or {}
        )
        chat.messages[message.message_id] = message
        self.tell(chat, message)
        return message

    def change(self, chat: Chat, message: SandboxMessage, body: Json, method: str) -> None:
        """Give a message a new version."""
        message.versions.append(Version(self.clock.now_ms(), method, body))
        self.tell(chat, message)

    def delete(self, chat: Chat, message: SandboxMessage) -> None:
        """Take a message away from both sides."""
        message.deleted_ms = self.clock.now_ms()
        self.feed.publish({"type": "deleted", "user_id": chat.id, "message_id": message.message_id})

    def tell(self, chat: Chat, message: SandboxMessage) -> None:
        """Show a message as it is now to the person's page."""
        self.feed.publish({"type": "message", "user_id": chat.id, "message": self.page(message)})

    def api(self, message: SandboxMessage) -> Json:
        """The Bot API's Message."""
        chat = self.chats[message.chat_id]
        made: Json = {
            "message_id": message.message_id,
            "from": self.bot if message.by_bot else chat.person(),
            "chat": chat.api(),
            "date": message.date_ms // 1000,
            **message.fixed,
            **message.body,
        }
        if len(message.versions) > 1:
            made["edit_date"] = message.versions[-1].at_ms // 1000
        return made

    def page(self, message: SandboxMessage) -> Json:
        """A message for the chat page: the Bot API's plus what only a client knows."""
        return {
            **self.api(message),
            "by_bot": message.by_bot,
            "at_ms": message.date_ms,
            "edits": len(message.versions) - 1,
            "kind": message.kind,
            "reply_keyboard": message.markup,
        }
