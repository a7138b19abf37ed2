"""Bot API methods about the bot itself, its updates, taps and files."""

import time
from typing import Any
from urllib.parse import urlsplit

from adapters.sandbox.telegram_files import DOWNLOAD_LIMIT
from adapters.sandbox.telegram_methods import chat_for
from adapters.sandbox.telegram_request import Call
from adapters.sandbox.telegram_state import CALLBACK_TTL_S, Json, Refused, World, bad_request
from adapters.sandbox.telegram_updates import Terminated

POLL_LIMIT_S = 50
ANSWER_LIMIT = 200

TWO_POLLERS = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


async def get_me(world: World, _call: Call) -> Json:
    """`getMe`."""
    abilities = {
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }
    return {**world.bot, **abilities}


async def get_updates(world: World, call: Call) -> list[Json]:
    """`getUpdates`: a true long poll."""
    if world.webhook["url"]:
        raise Refused(409, WEBHOOK_ACTIVE)
    allowed = call.value("allowed_updates")
    timeout_s = max(0, min(call.number("timeout"), POLL_LIMIT_S))
    try:
        return await world.updates.poll(
            call.number("offset"),
            call.number("limit", 100),
            timeout_s,
            allowed if isinstance(allowed, list) else None,
        )
    except Terminated:
        raise Refused(409, TWO_POLLERS) from None


async def set_webhook(world: World, call: Call) -> bool:
    """`setWebhook`. Only loopback addresses, so http is good enough here."""
    url = call.text("url")
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    allowed = call.value("allowed_updates")
    if isinstance(allowed, list):
        world.updates.allowed = list(allowed)
    if call.flag("drop_pending_updates"):
        world.updates.pending.clear()
    world.webhook = {"url": url, "secret_token": call.text("secret_token")}
    await world.updates.wake()
    return True


async def delete_webhook(world: World, call: Call) -> bool:
    """`deleteWebhook`."""
    if call.flag("drop_pending_updates"):
        world.updates.pending.clear()
    world.webhook = {"url": ""}
    return True


async def get_webhook_info(world: World, _call: Call) -> Json:
    """`getWebhookInfo`."""
    info: Json = {
        "url": world.webhook["url"],
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }
    for name in ("last_error_date", "last_error_message"):
        if name in world.webhook:
            info[name] = world.webhook[name]
    return {**info, "allowed_updates": world.updates.allowed} if world.updates.allowed else info


async def answer_callback_query(world: World, call: Call) -> bool:
    """`answerCallbackQuery`. Refused when the tap is unknown or too old."""
    tap = world.taps.get(call.text("callback_query_id"))
    if tap is None or time.monotonic() - tap.at_s > CALLBACK_TTL_S:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = call.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    tap.answer = {"text": text, "alert": call.flag("show_alert"), "url": call.text("url")}
    answered = {"callback_id": tap.id, "message_id": tap.message_id, **tap.answer}
    world.feed.publish({"type": "answer", "user_id": tap.chat_id, **answered})
    return True


async def get_file(world: World, call: Call) -> Json:
    """`getFile`: up to 20 MB."""
    stored = world.files.get(call.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }


async def get_chat(world: World, call: Call) -> Json:
    """`getChat`."""
    chat = chat_for(world, call)
    return {**chat.api(), "accent_color_id": 3, "max_reaction_count": 11, "accepted_gift_types": _GIFTS}


_GIFT_KINDS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
_GIFTS = dict.fromkeys(_GIFT_KINDS, False)


async def set_my_commands(world: World, call: Call) -> bool:
    """`setMyCommands`, for one language and scope."""
    commands = call.value("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("expected an Array of BotCommand")
    world.commands[_scope(call), call.text("language_code")] = commands
    world.feed.publish({"type": "commands"})
    return True


async def get_my_commands(world: World, call: Call) -> list[Json]:
    """`getMyCommands`."""
    return world.commands.get((_scope(call), call.text("language_code")), [])


def _scope(call: Call) -> str:
    scope = call.value("scope")
    return str(scope.get("type", "default")) if isinstance(scope, dict) else "default"


def commands_for(world: World, language: str) -> list[Json]:
    """What the menu of a person's private chat shows: scope before default, language before none."""
    for scope in ("all_private_chats", "default"):
        for lang in (language.partition("-")[0], ""):
            if (scope, lang) in world.commands:
                return world.commands[scope, lang]
    return []


async def set_my_text(world: World, call: Call) -> bool:
    """`setMyName`, setMyDescription, setMyShortDescription."""
    noun = call.method.removeprefix("setMy")
    name = {"Description": "description", "ShortDescription": "short_description", "Name": "name"}[noun]
    world.texts[noun, call.text("language_code")] = call.text(name)
    world.feed.publish({"type": "commands"})
    return True


async def set_message_reaction(world: World, call: Call) -> bool:
    """`setMessageReaction`."""
    chat = chat_for(world, call)
    message = chat.messages.get(call.number("message_id"))
    if message is None or message.deleted_ms is not None:
        raise bad_request("message to react not found")
    reactions: Any = call.value("reaction") or []
    emoji = [str(reaction.get("emoji", "")) for reaction in reactions]
    world.feed.publish(
        {"type": "reaction", "user_id": chat.id, "message_id": message.message_id, "emoji": emoji}
    )
    return True


async def set_nothing(_world: World, _call: Call) -> bool:
    """Settings that change nothing the sandbox shows."""
    return True
