"""/delete: photos, videos and words of a person go; balance and statement stay, without their content."""

from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.desk import LANGUAGE_KEY, Guest
from bot.talk import Toast, send, show, undress

ALBUM_KEY: Final = "album"


async def ask(_message: Message, guest: Guest) -> None:
    """Say what goes and what stays, and wait for the button."""
    await send(guest.desk.bot, guest.chat_id, guest.say("delete-ask"), guest.desk.keyboards.erase(guest.lang))


async def erase(guest: Guest, toast: Toast, message_id: int | None) -> None:
    """Forget it now. A second tap finds nothing more, and says the same."""
    desk = guest.desk
    draft = await desk.drafts.load(guest.user_id)
    if draft is not None and draft.open:
        await undress(desk.bot, guest.chat_id, draft.message_id)
    erased = await desk.engine.erase(guest.user_id)
    await desk.drop_videos(erased.videos)
    await desk.drafts.drop(guest.user_id)
    for key in (ALBUM_KEY, LANGUAGE_KEY, *(f"status:{job_id}" for job_id in erased.job_ids)):
        await desk.engine.forget(guest.user_id, key)
    await toast.show()
    rest = guest.say("delete-live", live=erased.live) if erased.live else guest.say("delete-all")
    await show(desk.bot, guest.chat_id, message_id, guest.say("delete-done", jobs=erased.jobs, rest=rest))


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="privacy")
    router.message.register(ask, Command("delete", "privacy"))
    return router
