"""Looking at a message without changing what the user reads: an edit of its keyboard returns it as it is.

The Bot API cannot read messages, but editMessageReplyMarkup answers with the whole Message. The keyboard
must differ from the present one (else: "message is not modified"), so a one-use button is put on and then
taken off again. An edit also cancels an older edit of the same message that is still running (td:
"Canceled by new edit message request"), so what is seen is final.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.methods import EditMessageReplyMarkup
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from adapters.telegram.client import Timeouts, call_raw
from states.vocabulary import Failure

LOOK_PREFIX = "look:"
"""callback_data of the one-use button begins so; a tap on it needs no more than an answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message shows: `kind` video, document, animation, or "" for text."""

    message_id: int
    kind: str = ""
    file_id: str = ""


def shown_by(message: Mapping[str, Any], message_id: int) -> Shown:
    """Kind and file id of a Message's media. A silent short clip may come back as an animation."""
    told = message.get("message_id")
    message_id = told if isinstance(told, int) else message_id
    for kind in ("video", "animation", "document"):
        media = message.get(kind)
        if isinstance(media, dict) and isinstance(media.get("file_id"), str):
            return Shown(message_id, kind, media["file_id"])
    return Shown(message_id)


async def look(bot: Bot, timeouts: Timeouts, chat_id: int, message_id: int, nonce: str) -> Shown | Failure:
    """What the message shows now. Leaves the one-use button on it: call `dress_up` afterwards."""
    button = InlineKeyboardButton(text="…", callback_data=f"{LOOK_PREFIX}{nonce}"[:64])
    method = EditMessageReplyMarkup(
        chat_id=chat_id,
        message_id=message_id,
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]),
    )
    answer = await call_raw(bot, method, timeout=timeouts.small())
    return answer if isinstance(answer, Failure) else shown_by(answer, message_id)


async def dress_up(
    bot: Bot, timeouts: Timeouts, chat_id: int, message_id: int, keyboard: InlineKeyboardMarkup | None
) -> Failure | None:
    """Put the proper keyboard (None: no keyboard) on after a look; one repeat, since it is harmless."""
    method = EditMessageReplyMarkup(chat_id=chat_id, message_id=message_id, reply_markup=keyboard)
    answer = await call_raw(bot, method, timeout=timeouts.small())
    if isinstance(answer, Failure) and answer.may_have_arrived is not False:
        answer = await call_raw(bot, method, timeout=timeouts.small())
    return answer if isinstance(answer, Failure) else None
