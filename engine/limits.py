"""Limits shared by all workers: how hard a provider may be used, and when it is left alone.

They live under the provider's own hash tag, because all users share a provider. A limit never fails a
job: it answers when to ask again, and the job waits durably. One 429 closes the provider for everybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from engine.codec import decode
from engine.config import LimitsConfig
from engine.ports import Clock, Randomness
from engine.scripts import Caller
from engine.together import Together
from states.vocabulary import ErrorClass, Reason

SLOT_RETRY_MS: Final = 5_000
"""Ask again after this when all slots are taken: a slot may be given back at any time."""


class Why(StrEnum):
    """Why a start has to wait."""

    CLOSED = "closed"
    """The provider said 429; nobody calls it."""
    KEY_OFF = "key_off"
    """This key has no rights or no balance."""
    BREAKER = "breaker"
    """This model is down on this key, or a probe is under way."""
    SLOTS = "slots"
    USER = "user"
    """The user has as many renders running as one user may have."""
    BUDGET = "budget"
    """Too many retries for too few successes; first tries still pass."""
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one create call. Its slot is held until `release` or the end of its lease."""

    provider: str
    key: str
    model: str
    holder: str
    user_id: int


@dataclass(frozen=True, slots=True)
class NotNow:
    """Ask again at `retry_at_ms`."""

    retry_at_ms: int
    why: Why


class Showed(StrEnum):
    """What a call to the provider showed about the provider, whatever it meant for the job."""

    OK = "ok"
    ALIVE = "alive"
    """It refused this job for the job's own sake: it works."""
    RATE = "rate"
    DOWN = "down"
    KEY = "key"
    UNCLEAR = "unclear"


_SHOWS: Final[Mapping[Reason, Showed]] = MappingProxyType(
    {
        Reason.RATE_LIMITED: Showed.RATE,
        Reason.UNAVAILABLE: Showed.DOWN,
        Reason.OVERLOADED: Showed.DOWN,
        Reason.NETWORK: Showed.DOWN,
        Reason.PROVIDER_AUTH: Showed.KEY,
        Reason.PROVIDER_BALANCE: Showed.KEY,
    }
)


def showed(ok: bool, reason: Reason | None, cls: ErrorClass | None = None) -> Showed:  # noqa: FBT001 - the port's shape
    """What an outcome says of the provider."""
    if ok:
        return Showed.OK
    if cls is ErrorClass.USER:
        return Showed.ALIVE
    return _SHOWS.get(reason, Showed.UNCLEAR) if reason is not None else Showed.UNCLEAR


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """One API key, by its name. `off` is the reason it rests, "" when it works."""

    key: str
    off: str
    off_until_ms: int
    running: int


@dataclass(frozen=True, slots=True)
class BreakerHealth:
    """One model on one key. It is open while `open_until_ms` is not 0; past that time a probe is due."""

    key: str
    model: str
    failures: int
    open_until_ms: int


@dataclass(frozen=True, slots=True)
class Health:
    """A provider as the limits see it."""

    provider: str
    closed_until_ms: int
    why: str
    retry_tokens: float
    keys: tuple[KeyHealth, ...]
    breakers: tuple[BreakerHealth, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all providers. What one turn of the loop asks for one key and model is one call."""

    calls: Caller
    clock: Clock
    randomness: Randomness
    config: LimitsConfig
    _asks: Together[tuple[str, str, str], tuple[str, str, str], tuple[int, str]] = field(init=False)
    _returns: Together[tuple[str, str], tuple[str, str], bool] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_asks", Together(self._permits))
        object.__setattr__(self, "_returns", Together(self._released))

    async def start_permit(
        self, provider: str, key: str, *, model: str, holder: str, user_id: int, retry: bool = False
    ) -> Permit | NotNow:
        """Leave to make one create call now, or when to ask again.

        `holder` names the render (`<job>:<n>`): asking twice for it takes one slot. `retry`: this is not
        the job's first create, so it is charged to the retry budget. Raises StoreUnavailable.
        """
        answer = await self._asks.give((provider, key, model), (holder, str(user_id), "1" if retry else "0"))
        until_ms, why = answer
        if not why:
            return Permit(provider, key, model, holder, user_id)
        return self._not_now(until_ms, Why(why))

    async def release(self, permit: Permit) -> bool:
        """The render has ended, or was refused: its slot is free. False when it had none any more."""
        return await self._returns.give((permit.provider, permit.key), (permit.holder, str(permit.user_id)))

    async def report(
        self,
        provider: str,
        key: str,
        model: str,
        ok: bool,  # noqa: FBT001 - the port's shape
        reason: Reason | None = None,
        retry_after_s: float | None = None,
        cls: ErrorClass | None = None,
        *,
        times: int = 1,
    ) -> int:
        """Tell what a call (or so many alike) showed: until when (ms) something is shut because of it, or 0.

        Report every create call; of polls only what concerns the account (`rate_limited`, `provider_auth`):
        a working record-info endpoint says nothing of a broken create endpoint.
        """
        c = self.config
        answer = await self.calls.call(
            tag_of(provider),
            "report",
            op=self.randomness.token(),
            key=key,
            model=model,
            kind=showed(ok, reason, cls).value,
            why=reason.value if reason else "",
            now=self.clock.now_ms(),
            after_ms=_ms(retry_after_s or 0),
            closed_ms=_ms(c.closed_s),
            closed_max_ms=_ms(c.closed_max_s),
            failures=c.breaker_failures,
            window_ms=_ms(c.breaker_window_s),
            open_ms=_ms(c.breaker_open_s),
            open_max_ms=_ms(c.breaker_open_max_s),
            off_ms=_ms(c.key_off_s),
            off_max_ms=_ms(c.key_off_max_s),
            earned=round(c.retry_earned * 1000) * times,
            **self._budget(),
        )
        return int(answer)

    async def opens_ms(self, provider: str, keys: Sequence[str]) -> int | None:
        """When the first of these keys may start a render again; None = now. For claiming queued jobs."""
        c = self.config
        answer = await self.calls.call(
            tag_of(provider),
            "opens",
            now=self.clock.now_ms(),
            creates=c.creates,
            window_ms=_ms(c.creates_per_s),
            per_key=c.renders_per_key,
            slot_ms=SLOT_RETRY_MS,
            keys=list(keys),
        )
        return int(answer) or None

    async def health(self, provider: str) -> Health:
        """The limits as they stand, for doctors, dashboards and the operator."""
        answer = await self.calls.call(tag_of(provider), "health", now=self.clock.now_ms(), **self._budget())
        return _health(provider, decode(answer))

    async def _permits(
        self, of: tuple[str, str, str], asks: Sequence[tuple[str, str, str]]
    ) -> list[tuple[int, str]]:
        c, (provider, key, model) = self.config, of
        answer = await self.calls.call(
            tag_of(provider),
            "permit",
            op=self.randomness.token(),
            key=key,
            model=model,
            now=self.clock.now_ms(),
            creates=c.creates,
            window_ms=_ms(c.creates_per_s),
            per_key=c.renders_per_key,
            per_user=c.renders_per_user,
            lease_ms=_ms(c.render_lease_s),
            probe_ms=_ms(c.probe_s),
            **self._budget(),
            asks=[word for ask in asks for word in ask],
        )
        return [(int(answer[at]), answer[at + 1].decode()) for at in range(0, len(answer), 2)]

    async def _released(self, of: tuple[str, str], slots: Sequence[tuple[str, str]]) -> list[bool]:
        provider, key = of
        words = [word for slot in slots for word in slot]
        answers = await self.calls.call(tag_of(provider), "permit_return", key=key, slots=words)
        return [answer == b"ok" for answer in answers]

    def _not_now(self, until_ms: int, why: Why) -> NotNow:
        """Slots come back before their leases end: look again soon, spread by a little randomness."""
        if why in (Why.SLOTS, Why.USER):
            soon = self.clock.now_ms() + round(SLOT_RETRY_MS * (0.75 + self.randomness.random() / 2))
            return NotNow(min(until_ms, soon), why)
        return NotNow(until_ms, why)

    def _budget(self) -> dict[str, int]:
        return {
            "budget": round(self.config.retry_tokens * 1000),
            "refill_ms": _ms(self.config.retry_refill_s),
        }


def tag_of(provider: str) -> str:
    """The key prefix of a provider's limits."""
    return "{p:" + provider + "}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _health(provider: str, raw: Mapping[str, Any]) -> Health:
    # cjson cannot tell an empty list from an empty object
    return Health(
        provider=provider,
        closed_until_ms=int(raw["closed_until"]),
        why=raw["why"],
        retry_tokens=raw["tokens"] / 1000,
        keys=tuple(
            KeyHealth(k["key"], k["off"], int(k["off_until"]), int(k["running"])) for k in raw["keys"]
        ),
        breakers=tuple(
            BreakerHealth(b["key"], b["model"], int(b["failures"]), int(b["open_until"]))
            for b in raw["breakers"]
        ),
    )
