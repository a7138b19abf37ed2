"""A clock that runs on by itself, whoever is busy: a soak wants load to be felt, unlike a sandbox's story."""

from engine.ports import Clock


class PacedClock:
    """A clock that runs `factor` times as fast as its base from `origin_ms` on.

    Processes that share factor and origin share the time.
    """

    def __init__(self, base: Clock, factor: float, origin_ms: int) -> None:
        self._base = base
        self.factor = factor
        self._origin_ms = origin_ms

    @property
    def word(self) -> str:
        """`factor@origin`, by which another process can share this clock."""
        return f"{self.factor:g}@{self._origin_ms}"

    def now_ms(self) -> int:
        """Paced time, ms."""
        return self._origin_ms + int((self._base.now_ms() - self._origin_ms) * self.factor)

    async def sleep(self, seconds: float) -> None:
        """`seconds` of this clock: `seconds / factor` of the base, never less."""
        until_ms = self.now_ms() + seconds * 1000
        await self._base.sleep(max(0.0, seconds) / self.factor)
        while (left_ms := until_ms - self.now_ms()) > 1:
            await self._base.sleep(max(left_ms / 1000 / self.factor, 0.005))
