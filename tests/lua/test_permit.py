"""Leave for many in one call: the same answers, in the order of arrival, as if each had asked alone."""

import random
from typing import Any

import pytest

from engine.connection import Connection
from engine.dispatch import Dispatcher

NOW = 1_800_000_000_000
MANY, ALONE = "{p:many}", "{p:alone}"
STEPS = 60
UNIT = 1_000
"""Milliseconds: so long that no key's real lifetime ends during a test on however busy a machine."""
_KINDS = ("ok", "rate", "down", "down", "key", "unclear")


class Providers:
    """Two providers with the same history: one is asked for many at once, the other for one at a time."""

    def __init__(self, calls: Dispatcher, dice: random.Random) -> None:
        self.calls, self.dice, self.now, self.ops = calls, dice, NOW, 0
        self.terms = {
            "creates": dice.randint(1, 6), "window_ms": 1000 * UNIT, "per_key": dice.randint(1, 6),
            "per_user": dice.randint(1, 3), "lease_ms": dice.choice([300, 3000]) * UNIT,
            "probe_ms": 400 * UNIT,
            "budget": 3000, "refill_ms": 2000 * UNIT,
        }  # fmt: skip

    def op(self) -> str:
        self.ops += 1
        return f"op{self.ops}"

    async def ask(self, prefix: str, op: str, asks: list[str]) -> list[tuple[int, str]]:
        answer = await self.calls.call(
            prefix, "permit", op=op, key="k", model="m", now=self.now, asks=asks, **self.terms
        )
        return [(int(answer[at]), answer[at + 1].decode()) for at in range(0, len(answer), 2)]

    async def permits(self) -> None:
        asks = [
            [f"h{self.dice.randint(1, 9)}", str(self.dice.randint(1, 4)), self.dice.choice("01")]
            for _ in range(self.dice.randint(1, 8))
        ]
        op = self.op()
        together = await self.ask(MANY, op, [word for ask in asks for word in ask])
        alone = [(await self.ask(ALONE, self.op(), ask))[0] for ask in asks]
        assert together == alone
        if any(why == "" for _, why in together):  # the answer was lost: asked again, it is the same
            assert await self.ask(MANY, op, [word for ask in asks for word in ask]) == together

    async def returns(self) -> None:
        slots = [word for n in range(1, self.dice.randint(2, 6)) for word in (f"h{n}", str(n % 4 + 1))]
        for prefix in (MANY, ALONE):  # of slots whose lease has ended the answer depends on who swept them
            await self.calls.call(prefix, "permit_return", key="k", slots=slots)

    async def reports(self) -> None:
        kind = self.dice.choice(_KINDS)
        for prefix in (MANY, ALONE):
            await self.calls.call(
                prefix, "report", op=self.op(), key="k", model="m", kind=kind, why=kind, now=self.now,
                after_ms=0, closed_ms=100 * UNIT, closed_max_ms=200 * UNIT, failures=2, window_ms=1000 * UNIT,
                open_ms=300 * UNIT,
                open_max_ms=600 * UNIT, off_ms=200 * UNIT, off_max_ms=400 * UNIT, budget=3000, earned=500,
                refill_ms=2000 * UNIT,
            )  # fmt: skip

    async def step(self) -> None:
        self.now += self.dice.choice([0, 1, 50, 250, 700]) * UNIT
        await self.dice.choice([self.permits, self.permits, self.permits, self.returns, self.reports])()


async def limits_of(connection: Connection, prefix: str, now: int) -> dict[str, Any]:
    """What binds the next ask."""
    holders = {
        name: await connection.command(
            "ZRANGEBYSCORE", f"{prefix}:lim:{name}", f"({now}", "+inf", "WITHSCORES"
        )
        for name in ("s:k", "u:1", "u:2", "u:3", "u:4")
    }
    return holders | {
        "calls": await connection.command("LRANGE", f"{prefix}:lim:r:k", 0, -1),
        "off": await connection.command("HGETALL", f"{prefix}:lim:k:k"),
        "breaker": await connection.command("HGETALL", f"{prefix}:lim:b:k|m"),
        "all": await connection.command("HGETALL", f"{prefix}:lim:all"),
    }


@pytest.mark.parametrize("seed", range(16))
async def test_many_at_once_get_what_each_would_get_alone(
    dispatcher: Dispatcher, connection: Connection, seed: int
) -> None:
    providers = Providers(dispatcher, random.Random(seed))
    for _ in range(STEPS):
        await providers.step()
        many, alone = [await limits_of(connection, prefix, providers.now) for prefix in (MANY, ALONE)]
        assert many == alone


async def test_one_call_leaves_one_marker_for_half_a_minute(
    dispatcher: Dispatcher, connection: Connection
) -> None:
    providers = Providers(dispatcher, random.Random(1))
    providers.terms |= {"creates": 100, "per_key": 100, "per_user": 100}
    asks = [word for n in range(20) for word in (f"h{n}", "1", "0")]
    assert await providers.ask(MANY, "op", asks) == [(0, "")] * 20
    (marker,) = await connection.command("KEYS", f"{MANY}:lim:op:*")
    assert 10_000 < await connection.command("PTTL", marker) <= 30_000
