"""Telegram in process: chats with messages, users who block, delete and come back; it counts the copies.

It answers the handful of Bot API methods that delivery and notices use with the same JSON as the real
one; what travels and what is lost on the way is the simulated session's affair.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_JOB: Final = re.compile(r"^video of (\S+)")
"""Captions of the simulation name the job: that is how copies are counted."""
_ADDRESS: Final = "https://"
"""A text that carries the video's address, as a button or in its words, is the video too: the last rung."""

_STRANGE: Final = (
    (400, "Bad Request: the stars are not aligned"),
    (400, "Bad Request: wrong file identifier/HTTP URL specified"),
    (400, "Bad Request: file is too big"),
    (400, "Bad Request: can't parse entities: unexpected end tag"),
    (400, "Bad Request: group send failed"),
    (401, "Unauthorized"),
    (409, "Conflict: terminated by other getUpdates request"),
    (503, "Service Unavailable: temporarily unavailable, try again"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the Bot API."""

    status: int
    body: Mapping[str, Any]


@dataclass(slots=True)
class SimMessage:
    """One message of a chat. `job`: whose video it shows, "" for text."""

    id: int
    text: str = ""
    media: str = ""
    markup: str = ""
    job: str = ""


@dataclass(slots=True)
class SimChat:
    """One user's chat. Deleted messages are gone; `sent` counts what was ever sent as a new message."""

    id: int
    messages: dict[int, SimMessage] = field(default_factory=dict)
    blocked: bool = False
    last_id: int = 100
    sent: dict[str, int] = field(default_factory=dict)
    edits: int = 0


@dataclass(slots=True)
class SimTelegram:
    """All chats. `complain` hears at once of a second copy."""

    complain: Callable[[str, str], None]
    chats: dict[int, SimChat] = field(default_factory=dict)
    shown: dict[str, set[int]] = field(default_factory=dict)
    """Job -> ids of all messages that ever showed its video."""
    journal: list[str] = field(default_factory=list)
    """Calls as they were begun and answered, a line each."""

    def chat(self, chat_id: int) -> SimChat:
        """A chat; there is one for every user."""
        return self.chats.setdefault(chat_id, SimChat(chat_id))

    def post(self, chat_id: int, text: str) -> int:
        """A message that is there before the story begins (the proposal)."""
        return self._new(self.chat(chat_id), text=text).id

    def delete(self, chat_id: int, message_id: int) -> None:
        """The user deletes a message."""
        self.chat(chat_id).messages.pop(message_id, None)

    def copies(self, job_id: str) -> int:
        """How many messages of all chats show this job's video now."""
        return sum(m.job == job_id for chat in self.chats.values() for m in chat.messages.values())

    def call(self, method: str, given: Mapping[str, Any]) -> Reply:
        """One call that has arrived."""
        chat = self.chat(int(given["chat_id"]))
        if chat.blocked:
            return _no(
                403,
                "Forbidden: user is deactivated" if chat.id % 2 else "Forbidden: bot was blocked by the user",
            )
        if method.startswith("edit"):
            return self._edit(chat, method, given)
        if method == "sendMessage":
            return self._showing(chat, self._new(chat, text=str(given["text"]), markup=_markup(given)))
        name = "document" if method == "sendDocument" else "video"
        made = self._new(chat, media=str(given[name]), text=str(given.get("caption")), markup=_markup(given))
        return self._showing(chat, made)

    def _new(self, chat: SimChat, **what: str) -> SimMessage:
        chat.last_id += 1
        message = SimMessage(chat.last_id, **what)
        chat.messages[message.id] = message
        chat.sent[message.text] = chat.sent.get(message.text, 0) + 1
        return message

    def _edit(self, chat: SimChat, method: str, given: Mapping[str, Any]) -> Reply:
        message = chat.messages.get(int(given["message_id"]))
        if message is None:
            return _no(400, "Bad Request: message to edit not found")
        chat.edits += 1
        old = (message.text, message.media, message.markup)
        if method == "editMessageText":
            if message.media:
                return _no(400, "Bad Request: there is no text in the message to edit")
            message.text = str(given["text"])
        elif method == "editMessageMedia":
            media = given["media"]
            message.media, message.text = str(media["media"]), str(media.get("caption"))
        message.markup = _markup(given)
        if old == (message.text, message.media, message.markup):
            return _no(400, "Bad Request: message is not modified: specified new message content is the same")
        return self._showing(chat, message)

    def _showing(self, chat: SimChat, message: SimMessage) -> Reply:
        found = _JOB.match(message.text)
        has_it = message.media or _ADDRESS in message.text + message.markup
        message.job = found[1] if found and has_it else ""
        if message.job:
            self.shown.setdefault(message.job, set()).add(message.id)
            if self.copies(message.job) > 1:
                self.complain("copies", f"{message.job}: its video is in the chat twice")
        return _yes(message, chat)


def _markup(given: Mapping[str, Any]) -> str:
    return repr(given.get("reply_markup"))


def _yes(message: SimMessage, chat: SimChat) -> Reply:
    shown: dict[str, Any] = {
        "message_id": message.id,
        "date": 1_800_000_000,
        "chat": {"id": chat.id, "type": "private", "first_name": "S"},
    }
    if message.media:
        shown["caption"] = message.text
        shown["video"] = {
            "file_id": f"F{message.media}",
            "file_unique_id": f"U{message.media}",
            "width": 720,
            "height": 1280,
            "duration": 10,
        }
    else:
        shown["text"] = message.text
    return Reply(200, {"ok": True, "result": shown})


def _no(status: int, words: str, **parameters: int) -> Reply:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": words}
    if parameters:
        body["parameters"] = parameters
    return Reply(status, body)


def flood(seconds: int) -> Reply:
    """429 Too Many Requests."""
    return _no(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def broken(status: int) -> Reply:
    """A 5xx of the Bot API server."""
    return _no(status, "Internal Server Error" if status == 500 else "Bad Gateway")


def strange(luck: float) -> Reply:
    """One of the rarer refusals, by a number in [0, 1)."""
    status, words = _STRANGE[int(luck * len(_STRANGE))]
    return _no(status, words)
