"""The person's side: what somebody with Telegram in their hand can do.

Tests and the chat page act through this.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from adapters.sandbox.telegram_entities import found_entities
from adapters.sandbox.telegram_files import NoPicture
from adapters.sandbox.telegram_state import Chat, Json, SandboxMessage, Tap, World

KINDS: dict[str, Json] = {
    "sticker": {
        "width": 512,
        "height": 512,
        "type": "regular",
        "is_animated": False,
        "is_video": False,
        "emoji": "👍",
    },
    "voice": {"duration": 3, "mime_type": "audio/ogg"},
    "video": {"width": 720, "height": 1280, "duration": 4, "mime_type": "video/mp4"},
    "video_note": {"length": 240, "duration": 4},
    "audio": {"duration": 30, "mime_type": "audio/mpeg"},
    "animation": {"width": 320, "height": 240, "duration": 2, "mime_type": "video/mp4"},
}
"""Things a person may send that carry a file."""

FILELESS: dict[str, Json] = {
    "contact": {"phone_number": "+10000000000", "first_name": "Anna"},
    "location": {"latitude": 59.94, "longitude": 30.31},
}


class Person:
    """One person in their private chat with the bot. Every method queues the update the bot would get."""

    def __init__(self, world: World, user_id: int) -> None:
        self._world = world
        self.chat: Chat = world.chat(user_id)

    @property
    def id(self) -> int:
        """The person's and the chat's id."""
        return self.chat.id

    async def send_text(self, text: str, reply_to: int | None = None) -> SandboxMessage:
        """Write a text or a command."""
        entities = found_entities(text)
        body = {"text": text, **({"entities": entities} if entities else {})}
        fixed: Json = {}
        if reply_to is not None:
            fixed["reply_to_message"] = self._world.api(self.chat.messages[reply_to])
        return await self._say(body, fixed)

    async def start(self, payload: str = "") -> SandboxMessage:
        """Press START (or open a deep link with a payload)."""
        return await self.send_text(f"/start {payload}".strip())

    async def send_photo(self, data: bytes, caption: str = "") -> SandboxMessage:
        """Send a picture as a photo: the client re-compresses it. Not a picture: it goes as a document."""
        return await self._say({**await self._photo(data), **self._caption(caption)})

    async def send_document(
        self, data: bytes, name: str, mime: str = "application/octet-stream", caption: str = ""
    ) -> SandboxMessage:
        """Send a file as it is."""
        document = self._world.files.add_document(data, name, mime)
        return await self._say({"document": document, **self._caption(caption)})

    async def send_album(self, pictures: Sequence[bytes], caption: str = "") -> list[SandboxMessage]:
        """Send several photos at once: one update each, one media_group_id, the caption on the first."""
        album = {"media_group_id": f"1{self._world.serial():012d}"}
        bodies = [await self._photo(data) for data in pictures]
        bodies[0] |= self._caption(caption)
        return [await self._say(body, album) for body in bodies]

    async def send_kind(self, kind: str, data: bytes = b"sandbox") -> SandboxMessage:
        """Send a sticker, voice, video, video_note, audio, animation, contact or location."""
        if kind in FILELESS:
            return await self._say({kind: FILELESS[kind]})
        stored = self._world.files.add(kind, data, f"{kind}.bin", "application/octet-stream", **KINDS[kind])
        return await self._say({kind: stored.media})

    async def tap(self, message_id: int, data: str) -> Tap:
        """Tap a button by its callback_data. Raises LookupError when the message shows no such button."""
        message = self.chat.messages[message_id]
        buttons = [button for row in message.buttons for button in row]
        if message.deleted_ms is not None or not any(_tappable(button, data) for button in buttons):
            raise LookupError(f"message {message_id} shows no button {data!r} that can be tapped")
        return await self.tap_anyway(message_id, data)

    async def tap_anyway(self, message_id: int, data: str) -> Tap:
        """Tap a button an old client still shows, whatever the message is now."""
        world = self._world
        tap = Tap(f"{4_000_000_000 + world.serial()}", self.id, message_id, data, time.monotonic())
        world.taps[tap.id] = tap
        message = self.chat.messages[message_id]
        shown = world.api(message)
        if message.deleted_ms is not None:
            shown = {"chat": self.chat.api(), "message_id": message_id, "date": 0}
        query = {"id": tap.id, "from": self.chat.person(), "message": shown, "chat_instance": str(self.id)}
        await world.updates.put("callback_query", {**query, "data": data})
        return tap

    async def edit(self, message_id: int, text: str) -> SandboxMessage:
        """Edit an own message (its text or caption)."""
        message = self.chat.messages[message_id]
        field = "text" if message.kind == "text" else "caption"
        self._world.change(self.chat, message, {**message.body, field: text}, "edit")
        await self._world.updates.put("edited_message", self._world.api(message))
        return message

    async def delete(self, message_id: int) -> None:
        """Delete a message for both sides; bots are not told. Raises KeyError when there is none."""
        self._world.delete(self.chat, self.chat.messages[message_id])

    async def block(self) -> None:
        """Block the bot."""
        await self._membership(blocked=True)

    async def unblock(self) -> None:
        """Unblock the bot (clients send /start after it by a tap of the person only)."""
        await self._membership(blocked=False)

    def speak(self, language_code: str) -> None:
        """Change the language of the person's Telegram; "" hides it."""
        self.chat.language_code = language_code
        self._world.feed.publish({"type": "commands", "user_id": self.id})

    async def _membership(self, *, blocked: bool) -> None:
        if self.chat.blocked == blocked:
            return
        self.chat.blocked = blocked
        bot = {"user": self._world.bot}
        member, kicked = {**bot, "status": "member"}, {**bot, "status": "kicked", "until_date": 0}
        change = {
            "chat": self.chat.api(),
            "from": self.chat.person(),
            "date": self._world.clock.now_ms() // 1000,
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }
        self._world.feed.publish({"type": "blocked", "user_id": self.id, "blocked": blocked})
        await self._world.updates.put("my_chat_member", change)

    async def _photo(self, data: bytes) -> Json:
        try:
            return {"photo": await asyncio.to_thread(self._world.files.add_photo, data)}
        except NoPicture:
            return {"document": self._world.files.add_document(data, "file.bin", "application/octet-stream")}

    @staticmethod
    def _caption(caption: str) -> Json:
        return {"caption": caption} if caption else {}

    async def _say(self, body: Json, fixed: Json | None = None) -> SandboxMessage:
        if self.chat.blocked:  # the client unblocks before it sends
            await self.unblock()
        self.chat.started = True
        message = self._world.put(self.chat, body, by_bot=False, method="person", fixed=fixed)
        await self._world.updates.put("message", self._world.api(message))
        return message


def _tappable(button: dict[str, Any], data: str) -> bool:
    return button.get("callback_data") == data and not button.get("disabled")
