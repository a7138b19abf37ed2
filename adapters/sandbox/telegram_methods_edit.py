"""Bot API methods that change or delete a message.

An edit replaces the whole message: a left-out keyboard is removed. `editMessageMedia` may turn a text into a
medium (Bot API 10.1). The sentences of refusals are those of tdlib/telegram-bot-api.
"""

from adapters.sandbox.telegram_media import Media, media_of
from adapters.sandbox.telegram_methods import (
    caption_body,
    caption_of_input,
    chat_for,
    flood,
    formatted,
    keyboard,
    same,
    text_body,
)
from adapters.sandbox.telegram_request import Call
from adapters.sandbox.telegram_state import Chat, Json, SandboxMessage, World, bad_request

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
DELETE_LIMIT_MS = 48 * 3600 * 1000
"""How long a bot may delete a message in a private chat."""


def message_for(world: World, call: Call) -> tuple[Chat, SandboxMessage]:
    """The bot's message a call wants to edit. Refused when gone, not the bot's, or below a reply keyboard."""
    chat = chat_for(world, call)
    message = chat.messages.get(call.number("message_id"))
    if message is None or message.deleted_ms is not None:
        raise bad_request("message to edit not found")
    if not message.by_bot or message.markup is not None:
        raise bad_request("message can't be edited")
    return chat, message


def _apply(world: World, call: Call, chat: Chat, message: SandboxMessage, body: Json) -> Json:
    if same(body, message.body):
        raise bad_request(NOT_MODIFIED)
    flood(world, chat)
    world.change(chat, message, body, call.method)
    return world.api(message)


async def edit_message_text(world: World, call: Call) -> Json:
    """`editMessageText`."""
    chat, message = message_for(world, call)
    body = text_body(call)
    inline, _ = keyboard(call)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _apply(world, call, chat, message, {**body, **inline})


async def edit_message_caption(world: World, call: Call) -> Json:
    """`editMessageCaption`."""
    chat, message = message_for(world, call)
    caption = caption_body(formatted(call, call.text("caption"), "caption_entities"))
    inline, _ = keyboard(call)
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    return _apply(world, call, chat, message, {message.kind: message.body[message.kind], **caption, **inline})


async def edit_message_reply_markup(world: World, call: Call) -> Json:
    """`editMessageReplyMarkup`."""
    chat, message = message_for(world, call)
    inline, _ = keyboard(call)
    kept = {name: value for name, value in message.body.items() if name != "reply_markup"}
    return _apply(world, call, chat, message, {**kept, **inline})


async def edit_message_media(world: World, call: Call) -> Json:
    """`editMessageMedia`, also from a text message to a medium."""
    item = call.value("media")
    inline, _ = keyboard(call)
    message_for(world, call)
    caption = caption_of_input(call, item) if isinstance(item, dict) else {}
    media = await media_of(world, call, Media.of_input(item))
    chat, message = message_for(world, call)
    if "media_group_id" in message.fixed and "photo" not in media and "video" not in media:
        raise bad_request("message can't be edited")
    return _apply(world, call, chat, message, {**media, **caption, **inline})


async def delete_message(world: World, call: Call) -> bool:
    """`deleteMessage`."""
    chat = chat_for(world, call)
    message = chat.messages.get(call.number("message_id"))
    if message is None or message.deleted_ms is not None:
        raise bad_request("message to delete not found")
    if world.clock.now_ms() - message.date_ms > DELETE_LIMIT_MS:
        raise bad_request("message can't be deleted for everyone")
    world.delete(chat, message)
    return True
