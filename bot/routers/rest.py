"""Everything nothing else took: no update of a person stays without a useful answer."""

from typing import Final

from aiogram import F, Router
from aiogram.enums import ChatMemberStatus, ChatType, ContentType
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from bot.desk import Guest
from bot.drafts import Draft, Phase
from bot.routers.jobs import job_tap
from bot.routers.launch import draft_tap
from bot.routers.money import show_balance
from bot.routers.privacy import erase
from bot.routers.proposals import tell
from bot.routers.welcome import choose_language
from bot.talk import Toast
from bot.taps import DRAFT_VERBS, JOB_VERBS, Verb, parse_tap

_GOT: Final[dict[str, str]] = {
    ContentType.VIDEO: "got-video",
    ContentType.VIDEO_NOTE: "got-video",
    ContentType.ANIMATION: "got-animation",
    ContentType.STICKER: "got-sticker",
    ContentType.VOICE: "got-voice",
    ContentType.AUDIO: "got-voice",
    ContentType.DOCUMENT: "got-document",
}
_SERVICE: Final = frozenset(
    {
        ContentType.PINNED_MESSAGE,
        ContentType.MESSAGE_AUTO_DELETE_TIMER_CHANGED,
        ContentType.WRITE_ACCESS_ALLOWED,
        ContentType.CHAT_BACKGROUND_SET,
    }
)
"""Telegram's own notes about the chat: nobody said anything."""


async def tapped(query: CallbackQuery, guest: Guest, toast: Toast) -> None:
    """Every button ends here; what we never made (an older release) is told to be outdated."""
    tap = parse_tap(query.data)
    message_id = query.message.message_id if query.message else None
    if tap is None:
        await toast.show(guest.say("toast-outdated"), alert=True)
    elif tap.verb in DRAFT_VERBS:
        await draft_tap(tap, guest, toast, message_id)
    elif tap.verb in JOB_VERBS:
        await job_tap(tap, guest, toast, message_id)
    elif tap.verb is Verb.LANGUAGE:
        await choose_language(tap, guest, toast, message_id)
    elif tap.verb is Verb.ERASE:
        await erase(guest, toast, message_id)
    elif tap.verb is Verb.BALANCE:
        await toast.show()
        await show_balance(guest)
    else:
        await toast.show()
        await tell(guest, "new-photo-ask", side=guest.desk.house.min_side)


async def membership(event: ChatMemberUpdated, guest: Guest) -> None:
    """Blocked or back. Who comes back gets what was parked for them; nothing is said."""
    if event.new_chat_member.status != ChatMemberStatus.KICKED:
        await guest.desk.engine.user_returned(guest.user_id)


async def group(message: Message, guest: Guest) -> None:
    """In a group only a command is meant for us, and it is answered with where we work."""
    if (message.text or "").startswith("/"):
        await tell(guest, "group-only")


async def anything(message: Message, guest: Guest) -> None:
    """Name what came, and say the next step of the state the conversation is in."""
    if message.content_type in _SERVICE:
        return
    draft = await guest.desk.drafts.load(guest.user_id)
    got = (
        "got-command" if (message.text or "").startswith("/") else _GOT.get(message.content_type, "got-other")
    )
    await tell(guest, "answer", got=guest.say(got), next=guest.say(f"next-{_phase(draft)}"))


def _phase(draft: Draft | None) -> Phase:
    if draft is None or not draft.open:
        return Phase.IDLE
    return draft.phase


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="rest")
    router.callback_query.register(tapped)
    router.my_chat_member.register(membership)
    router.message.register(group, F.chat.type != ChatType.PRIVATE)
    router.message.register(anything)
    return router
