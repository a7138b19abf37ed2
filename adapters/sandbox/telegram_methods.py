"""Bot API methods that send, and the checks every message passes.

The sentences of refusals are those of tdlib/telegram-bot-api.
"""

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.sandbox.telegram_entities import EntityError, Formatted, format_text, utf16_len
from adapters.sandbox.telegram_media import Media, media_of
from adapters.sandbox.telegram_request import Call
from adapters.sandbox.telegram_state import Chat, Json, Push, Refused, SandboxMessage, World, bad_request

Method = Callable[[World, Call], Awaitable[Any]]

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
DATA_LIMIT_BYTES = 64
ONE_ACTION = ("callback_data", "url", "copy_text", "web_app", "switch_inline_query", "pay", "disabled",
              "switch_inline_query_current_chat", "login_url", "callback_game")  # fmt: skip


def chat_for(world: World, call: Call) -> Chat:
    """The chat a call speaks to. Refused as Telegram does for strangers and for those who blocked the bot."""
    raw = call.text("chat_id")
    if not raw:
        raise bad_request("chat_id is empty")
    chat = world.chats.get(int(raw)) if raw.lstrip("-").isdigit() else None
    if chat is None:
        raise bad_request("chat not found")
    if not chat.started:
        raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
    if chat.blocked:
        raise Refused(403, "Forbidden: bot was blocked by the user")
    return chat


def flood(world: World, chat: Chat) -> None:
    """One message per `min_gap_ms` and chat, when the sandbox is told to be strict."""
    now = world.clock.now_ms()
    if world.min_gap_ms and now < chat.free_at_ms:
        seconds = max(1, math.ceil((chat.free_at_ms - now) / 1000))
        raise Refused(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    chat.free_at_ms = now + world.min_gap_ms


def formatted(
    call: Call, source: str, entities: str = "entities", parse_mode: str | None = None
) -> Formatted:
    """Parsed text. Refused with td's sentence when it cannot be parsed."""
    explicit = call.value(entities)
    mode = call.text("parse_mode") if parse_mode is None else parse_mode
    try:
        return format_text(source, mode, explicit if isinstance(explicit, list) else None)
    except EntityError as trouble:
        raise bad_request(f"can't parse entities: {trouble}") from None


def text_body(call: Call) -> Json:
    """The body of a text message. Refused when empty or longer than 4096."""
    text = formatted(call, call.text("text"))
    if not text.text:
        raise bad_request("message text is empty")
    if utf16_len(text.text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    entities = {"entities": list(text.entities)} if text.entities else {}
    return {"text": text.text, **entities}


def caption_body(text: Formatted) -> Json:
    """The caption fields of a body. Refused when longer than 1024."""
    if utf16_len(text.text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    if not text.text:
        return {}
    entities = {"caption_entities": list(text.entities)} if text.entities else {}
    return {"caption": text.text, **entities}


def keyboard(call: Call) -> tuple[Json, Json | None]:
    """(`reply_markup` field of the body, reply keyboard shown below the chat). Refused when malformed."""
    markup = call.value("reply_markup")
    if markup is None:
        return {}, None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        return {}, markup
    rows = [[_button(button) for button in row] for row in markup["inline_keyboard"] if row]
    return ({"reply_markup": {"inline_keyboard": rows}} if rows else {}), None


def _button(raw: Any) -> Json:
    if not isinstance(raw, dict) or not str(raw.get("text", "")).strip():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    button = {key: value for key, value in raw.items() if value is not None}
    if not any(name in button for name in ONE_ACTION):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= DATA_LIMIT_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not str(url).startswith(("http://", "https://", "tg://")):
        raise bad_request("BUTTON_URL_INVALID")
    return button


def deliver(world: World, call: Call, chat: Chat, body: Json, **fixed: Any) -> SandboxMessage:
    """Put a bot's message into a chat: message, keyboard, push."""
    inline, reply = keyboard(call)
    flood(world, chat)
    return place(world, call, chat, {**body, **inline}, reply, fixed)


def place(
    world: World, call: Call, chat: Chat, body: Json, reply: Json | None = None, fixed: Json | None = None
) -> SandboxMessage:
    """Put a checked message into a chat and ring the person's phone."""
    extra = dict(fixed or {})
    if call.text("message_effect_id"):
        extra["effect_id"] = call.text("message_effect_id")
    answered = _replied(world, chat, call)
    if answered is not None:
        extra["reply_to_message"] = answered
    message = world.put(chat, body, by_bot=True, method=call.method, fixed=extra)
    message.markup = reply
    chat.draft = None
    push = Push(world.clock.now_ms(), message.message_id, silent=call.flag("disable_notification"))
    chat.pushes.append(push)
    world.feed.publish(
        {"type": "push", "user_id": chat.id, "message_id": message.message_id, "silent": push.silent}
    )
    return message


def _replied(world: World, chat: Chat, call: Call) -> Json | None:
    """The message replied to. Refused when it is gone, unless the call allows that."""
    parameters = call.value("reply_parameters")
    wanted = (
        parameters.get("message_id") if isinstance(parameters, dict) else call.number("reply_to_message_id")
    )
    if not wanted:
        return None
    message = chat.messages.get(int(wanted))
    if message is not None and message.deleted_ms is None:
        return world.api(message)
    if isinstance(parameters, dict) and parameters.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


async def send_message(world: World, call: Call) -> Json:
    """`sendMessage`."""
    chat = chat_for(world, call)
    return world.api(deliver(world, call, chat, text_body(call)))


async def _send_media(world: World, call: Call, kind: str) -> Json:
    chat_for(world, call)
    keyboard(call)
    caption = caption_body(formatted(call, call.text("caption"), "caption_entities"))
    above = {"show_caption_above_media": True} if call.flag("show_caption_above_media") else {}
    media = await media_of(world, call, Media.of_call(call, kind))
    chat = chat_for(world, call)  # again: they may have blocked the bot while the file came in
    return world.api(deliver(world, call, chat, {**media, **caption, **above}))


async def send_photo(world: World, call: Call) -> Json:
    """`sendPhoto`."""
    return await _send_media(world, call, "photo")


async def send_video(world: World, call: Call) -> Json:
    """`sendVideo`: bytes that are no film come back as a document, as Telegram does."""
    return await _send_media(world, call, "video")


async def send_document(world: World, call: Call) -> Json:
    """`sendDocument`."""
    return await _send_media(world, call, "document")


async def send_media_group(world: World, call: Call) -> list[Json]:
    """`sendMediaGroup`: nothing is sent unless every item is good; else the 400 names the item."""
    chat = chat_for(world, call)
    items = call.value("media")
    if not isinstance(items, list) or not 2 <= len(items) <= 10:
        raise bad_request("media group must include 2-10 items")
    flood(world, chat)
    bodies = []
    for number, item in enumerate(items, 1):
        try:
            media = await media_of(world, call, Media.of_input(item))
        except Refused as refused:
            sentence = refused.description.removeprefix("Bad Request: ")
            raise bad_request(
                f'failed to send message #{number} with the error message "{sentence}"'
            ) from None
        bodies.append({**media, **caption_of_input(call, item)})
    album = {"media_group_id": f"1{world.serial():012d}"}
    return [world.api(place(world, call, chat, body, fixed=album)) for body in bodies]


def caption_of_input(call: Call, item: Json) -> Json:
    """The caption fields of an InputMedia."""
    part = Call(call.method, {"caption_entities": item.get("caption_entities")})
    return caption_body(
        formatted(part, str(item.get("caption") or ""), "caption_entities", str(item.get("parse_mode") or ""))
    )


async def send_chat_action(world: World, call: Call) -> bool:
    """`sendChatAction`."""
    chat = chat_for(world, call)
    action = call.text("action")
    chat.actions.append((world.clock.now_ms(), action))
    world.feed.publish({"type": "action", "user_id": chat.id, "action": action})
    return True


async def send_message_draft(world: World, call: Call) -> bool:
    """`sendMessageDraft`: a preview of a message being written; ends with the next real message."""
    chat = chat_for(world, call)
    text = formatted(call, call.text("text"))
    chat.draft = {"draft_id": call.number("draft_id"), "text": text.text, "entities": list(text.entities)}
    world.feed.publish({"type": "draft", "user_id": chat.id, "draft": chat.draft})
    return True


def same(left: Json, right: Json) -> bool:
    """Whether two bodies show the same: text, entities, media (by file) and keyboard."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
