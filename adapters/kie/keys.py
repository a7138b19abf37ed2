"""API keys, their turn, and what is known of the health of keys and models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.ports import Clock
from states.vocabulary import ErrorClass, Reason, Verdict


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One KIE key. Only its name is ever shown or stored; `value` stays out of repr.

    Raises ValueError for a value that could not travel in a header (and would be quoted in the error).
    """

    name: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.value or not self.value.isascii() or not self.value.isprintable() or " " in self.value:
            raise ValueError(f"API key {self.name!r}: the value is empty or holds characters no key has")
        if not self.name or "|" in self.name:
            raise ValueError("an API key needs a name without '|'")


class KeyRing:
    """The keys in turn: each new plan starts at the next key, so that their limits are shared evenly."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        if not keys:
            raise ValueError("at least one KIE API key is needed")
        if len({key.name for key in keys}) != len(keys):
            raise ValueError("two KIE API keys have the same name")
        self._keys = tuple(keys)
        self._next = 0

    @property
    def first(self) -> ApiKey:
        """The key for calls that belong to no task."""
        return self._keys[0]

    def all(self) -> tuple[str, ...]:
        """The names of all keys."""
        return tuple(key.name for key in self._keys)

    def turn(self) -> tuple[str, ...]:
        """The names of all keys, beginning with the one whose turn it is."""
        start = self._next
        self._next = (start + 1) % len(self._keys)
        return self.all()[start:] + self.all()[:start]

    def named(self, name: str) -> ApiKey:
        """The key of that name. A key taken out of the configuration leaves its tasks behind: they are
        asked for with the first key, which works when both belong to one account.
        """
        return next((key for key in self._keys if key.name == name), self._keys[0])


@dataclass(frozen=True, slots=True)
class Rest:
    """A pair of model and key that is left alone for a while, and the failure that made it so."""

    seconds: float
    """Clock seconds until it may be tried again."""
    verdict: Verdict


class KeyHealth(Protocol):
    """What is known of models and keys. Synchronous: shared limits answer from their local copy."""

    def rest(self, model: str, key: str) -> Rest | None:
        """How long this pair should be left alone; None when it may be tried now."""
        ...

    def trying(self, model: str, key: str) -> None:
        """A create call is planned; after a rest it is the one probe."""
        ...

    def accepted(self, model: str, key: str) -> None:
        """A create call was accepted: the key is well, the model has yet to prove itself."""
        ...

    def rendered(self, model: str) -> None:
        """A task of this model succeeded. (Says nothing of the key: an empty one still may look.)"""
        ...

    def failed(self, model: str, key: str, verdict: Verdict) -> None:
        """A call failed. A user's fault says nothing about health."""
        ...


KEY_FAULTS = frozenset({Reason.PROVIDER_AUTH, Reason.PROVIDER_BALANCE})
PROBE_MS = 30_000
LIMITED_S = 10.0
"""How long a rate limit lasts that does not say so: KIE counts new tasks in windows of 10 s."""
CROWDED = frozenset({Reason.OVERLOADED, Reason.UNAVAILABLE, Reason.PROVIDER_ERROR})


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    until_ms: int = 0
    verdict: Verdict | None = None


class LocalHealth:
    """Health of one process: a key without money or rights rests, a model that fails in a row rests,
    whether it refuses tasks or lets them die.

    After the rest one try is let through (half-open): the next failure rests it again at once.
    """

    def __init__(
        self, clock: Clock, *, after: int = 3, model_rest_s: float = 60, key_rest_s: float = 60
    ) -> None:
        self._clock = clock
        self._after = after
        self._model_rest_s = model_rest_s
        self._key_rest_s = key_rest_s
        self._breakers: dict[str, _Breaker] = {}

    def rest(self, model: str, key: str) -> Rest | None:
        """How long this pair should be left alone; the longer rest of the two counts."""
        now = self._clock.now_ms()
        found = [self._breakers[name] for name in _names(model, key) if name in self._breakers]
        longest = max(found, key=lambda breaker: breaker.until_ms, default=None)
        if longest is None or longest.verdict is None or longest.until_ms <= now:
            return None
        return Rest((longest.until_ms - now) / 1000, longest.verdict)

    def trying(self, model: str, key: str) -> None:
        """Let nobody else through while one probe of a rested pair is on its way."""
        for name in _names(model, key):
            breaker = self._breakers.get(name)
            if breaker is not None and breaker.failures >= self._after:
                breaker.until_ms = self._clock.now_ms() + PROBE_MS

    def accepted(self, model: str, key: str) -> None:
        """The key is forgiven; the model may go on, but its next failure rests it again."""
        of_model, of_key = _names(model, key)
        self._breakers.pop(of_key, None)
        breaker = self._breakers.get(of_model)
        if breaker is not None:
            breaker.failures = min(breaker.failures, self._after - 1)
            breaker.until_ms = 0

    def rendered(self, model: str) -> None:
        """The model is forgiven."""
        self._breakers.pop(f"{model}|*", None)

    def failed(self, model: str, key: str, verdict: Verdict) -> None:
        """Count a failure against whoever is to blame for it."""
        if verdict.cls is ErrorClass.USER:
            return
        of_model, of_key = _names(model, key)
        if verdict.reason in KEY_FAULTS:
            self._lay(of_key, self._key_rest_s, verdict)
        elif verdict.reason is Reason.RATE_LIMITED:
            self._lay(of_key, verdict.retry_after_s or LIMITED_S, verdict)
        elif verdict.reason is Reason.MODEL_RETIRED:
            self._lay(of_model, self._model_rest_s, verdict)
        elif verdict.reason in CROWDED:
            breaker = self._breakers.setdefault(of_model, _Breaker())
            breaker.failures += 1
            if breaker.failures >= self._after:
                self._lay(of_model, max(self._model_rest_s, verdict.retry_after_s or 0.0), verdict)

    def _lay(self, name: str, seconds: float, verdict: Verdict) -> None:
        breaker = self._breakers.setdefault(name, _Breaker())
        breaker.failures = max(breaker.failures, self._after)
        breaker.until_ms = self._clock.now_ms() + round(seconds * 1000)
        breaker.verdict = verdict


def _names(model: str, key: str) -> tuple[str, str]:
    return (f"{model}|*", f"*|{key}")
