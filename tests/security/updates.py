"""Telegram updates that are nearly right: true ones of a sandbox, with pieces exchanged for anything."""

import copy
import random
from collections.abc import Iterator
from typing import Any

ANNA = {"id": 1001, "is_bot": False, "first_name": "Anna", "language_code": "ru"}
CHAT = {"id": 1001, "type": "private", "first_name": "Anna"}
MESSAGE = {"message_id": 5, "from": ANNA, "chat": CHAT, "date": 1_800_000_000}
PHOTO = {"file_id": "x", "file_unique_id": "y", "width": 9, "height": 9, "file_size": 3}
TRUE: tuple[dict[str, Any], ...] = (
    {"message": {**MESSAGE, "text": "/start"}},
    {"message": {**MESSAGE, "text": "привет"}},
    {"message": {**MESSAGE, "photo": [PHOTO], "caption": "с паром", "media_group_id": "7"}},
    {"message": {**MESSAGE, "document": {"file_id": "d", "file_unique_id": "e", "mime_type": "image/png"}}},
    {
        "message": {
            **MESSAGE,
            "text": "/grant 1 2 x",
            "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
        }
    },
    {"edited_message": {**MESSAGE, "text": "иначе", "edit_date": 1_800_000_001}},
    {"callback_query": {"id": "1", "from": ANNA, "message": MESSAGE, "chat_instance": "c", "data": "go:a:1"}},
    {
        "callback_query": {
            "id": "2",
            "from": ANNA,
            "inline_message_id": "i",
            "chat_instance": "c",
            "data": "cn:0-x",
        }
    },
    {
        "my_chat_member": {
            "chat": CHAT,
            "from": ANNA,
            "date": 1_800_000_000,
            "old_chat_member": {"user": {**ANNA, "id": 4242, "is_bot": True}, "status": "member"},
            "new_chat_member": {
                "user": {**ANNA, "id": 4242, "is_bot": True},
                "status": "kicked",
                "until_date": 0,
            },
        }
    },
    {
        "message": {
            **MESSAGE,
            "chat": {"id": -100500, "type": "supergroup", "title": "Чат"},
            "text": "/help@x",
        }
    },
    {"channel_post": {**MESSAGE, "from": None, "text": "x"}},
)
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 10**30, 1e308, -0.5, float("nan"), "", "x", "\x00", "\ud83d"),
    *(
        "\u202e" * 30,
        "/start " + "a" * 5_000,
        "<b>&",
        "go:" + "x" * 100,
        "🙈" * 300,
        [],
        {},
        [[]],
        {"id": {}},
    ),
    *([None], {"id": "1001"}, {"type": "private"}, [1, "a", None], {"a": {"b": {"c": [1]}}}),
)


def nearly(rng: random.Random) -> dict[str, Any]:
    """A true update with one to three places changed."""
    update = copy.deepcopy(rng.choice(TRUE))
    for _ in range(rng.randint(1, 3)):
        holder, key = rng.choice(list(_places(update)))
        change = rng.random()
        if change < 0.7:
            holder[key] = copy.deepcopy(rng.choice(JUNK))
        elif change < 0.85 and isinstance(holder, dict):
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(("text", "photo", "data", "from", "chat", "zzz"))] = copy.deepcopy(
                rng.choice(JUNK)
            )
        if not update:
            return {}
    return update


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
