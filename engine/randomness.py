"""Sources of randomness: the system's for production, a seeded one for tests, replay and simulation."""

import random
import secrets
from typing import Final

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TOKEN_LENGTH: Final = 22
GRAIN: Final = 1_000_000
"""Random numbers have six digits: each is recorded with its transition, and jitter needs no more."""


def _grain(source: random.Random) -> float:
    return int(source.random() * GRAIN) / GRAIN


class SystemRandomness:
    """Unguessable tokens and unseeded jitter."""

    def __init__(self) -> None:
        self._jitter = random.Random(secrets.randbits(64))  # noqa: S311 - spreads retries, keeps no secret

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return _grain(self._jitter)

    def token(self) -> str:
        """22 letters, 128 bits."""
        return secrets.token_urlsafe(16)


class SeededRandomness:
    """The same seed gives the same run. Never for production: its tokens can be guessed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._source = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return _grain(self._source)

    def token(self) -> str:
        """22 letters, repeatable."""
        return "".join(self._source.choices(_LETTERS, k=TOKEN_LENGTH))
