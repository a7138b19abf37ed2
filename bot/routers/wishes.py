"""Plain text in a chat: the user's wishes, whichever state the conversation is in."""

from typing import Final

from aiogram import F, Router
from aiogram.types import Message

from bot.desk import Guest
from bot.drafts import OWN, Draft, Phase
from bot.routers.proposals import propose, tell
from bot.talk import undress
from bot.texts import clip

_NONE: Final = frozenset({"нет", "без пожеланий", "no", "none", "-", "—"})
"""Whole messages that take the wishes back ("у нас нет скидок" is a wish)."""
_TEXT_LIMIT: Final = 4096


def told_wishes(text: str) -> str:
    """The wishes in a text or caption: raw, or "" when the whole of it says that there are none."""
    bare = text.strip()
    return "" if bare.lower().rstrip(".!") in _NONE else bare


async def wishes(message: Message, guest: Guest) -> None:
    """Take a text as wishes: shown in the proposal, or kept until the photo comes."""
    text = told_wishes(message.text or "")
    draft = await guest.desk.drafts.load(guest.user_id)
    offer = guest.desk.chosen(draft.model if draft else "")
    limit = offer.prompt_limit if offer else _TEXT_LIMIT
    if len(text) > limit:
        await tell(guest, "wishes-too-long", length=len(text), limit=limit)
    elif draft is None or not draft.open or not draft.photo:
        await _before_photo(guest, draft, text)
    else:
        await _into_proposal(guest, draft, text)


async def _before_photo(guest: Guest, draft: Draft | None, text: str) -> None:
    waiting = draft if draft is not None and draft.open else guest.desk.drafts.begin(Phase.PHOTO)
    await guest.desk.drafts.save(guest.user_id, waiting.changed(wishes=text))
    await tell(guest, "wishes-photo-first", wishes=clip(text) or guest.say("wishes-none"))


async def _into_proposal(guest: Guest, draft: Draft, text: str) -> None:
    """The text is the last message of the chat now, so the proposal moves below it."""
    template = OWN if draft.phase is Phase.WISHES and text else draft.template
    await undress(guest.desk.bot, guest.chat_id, draft.message_id)
    await propose(guest, draft.changed(phase=Phase.CHOICE, wishes=text, template=template))


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="wishes")
    router.message.register(wishes, F.text & ~F.text.startswith("/"))
    return router
