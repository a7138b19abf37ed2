"""Whatever is done to whichever key, a check tells it or finds it harmless; it never breaks off."""

import random
from typing import Any

import pytest

from engine.randomness import SeededRandomness
from tests.engine.check.flows import Lives, T, checked

pytestmark = pytest.mark.usefixtures("swept")
ROUNDS = 40
_HARMLESS = ("bell", "ev", "w:", "u:", "ctl", "al:", "ob:bell", "i:", "d:", "p:", "ha:", "hi:")
"""Losing one of these breaks no rule, or only as part of a job."""
_GARBAGE = (b"", b"-", b"\xff\xfe", b"{}", b"[]", b"null", b"12", b"-7", b"x|y", b'{"seq":"1"}')
_GARBLE: dict[str, tuple[str | int, ...]] = {
    "string": ("SET",),
    "list": ("LSET", 0),
    "zset": ("ZADD", 5),
    "set": ("SADD",),
}
"""Command, and what stands between key and word."""


async def _garble(lives: Lives, dice: random.Random, key: str) -> None:
    kind = (await lives.run("TYPE", key)).decode()
    word = dice.choice(_GARBAGE)
    if kind == "hash":
        field = dice.choice(await lives.run("HKEYS", key))
        await lives.run("HSET", key, dice.choice((field, word)), word)
    elif kind in _GARBLE:
        await lives.run(_GARBLE[kind][0], key, *_GARBLE[kind][1:], word)


async def _replace(lives: Lives, dice: random.Random, key: str) -> None:
    await lives.run("DEL", key)
    await lives.run(*dice.choice((("SET", key, "x"), ("HSET", key, "a", "b"), ("ZADD", key, 1, "m"))))


async def _lose(lives: Lives, dice: random.Random, key: str) -> None:
    await lives.run("DEL", key)


async def _keys(lives: Lives) -> list[str]:
    return sorted(key.decode() for key in await lives.run("KEYS", f"{T}:*") if key != f"{T}:ctl".encode())


async def test_no_vandalism_breaks_the_check_off(
    lives: Lives, redis_url: str, randomness: SeededRandomness
) -> None:
    dice = random.Random(randomness.seed)
    for _ in range(ROUNDS):
        key = dice.choice(await _keys(lives))
        saved = await lives.run("DUMP", key)
        await dice.choice((_garble, _replace, _lose))(lives, dice, key)
        assert (await checked(redis_url)).keys > 0, key
        await lives.run("DEL", key)
        await lives.run("RESTORE", key, 0, saved)


async def test_no_key_that_matters_is_lost_unnoticed(lives: Lives, redis_url: str) -> None:
    unnoticed = []
    for key in await _keys(lives):
        saved: Any = await lives.run("DUMP", key)
        ttl = max(0, await lives.run("PTTL", key))
        await lives.run("DEL", key)
        if (await checked(redis_url)).clean:
            unnoticed.append(key.removeprefix(f"{T}:"))
        await lives.run("RESTORE", key, ttl, saved)
    assert [name for name in unnoticed if not name.startswith(_HARMLESS)] == []
