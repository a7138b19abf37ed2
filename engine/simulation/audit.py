"""`reelstate check`, on a simulated store: every rule of the product's own checker, between two steps."""

from collections.abc import Sequence
from typing import Any

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.simulation.wire import Wire, Word


class Direct:
    """`engine.connection.Connection` for the checker: no fate, no time, nobody hears of it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def run(self, sha: str, prefix: str, args: Sequence[Word]) -> Any:
        """EVALSHA with the partition's prefix as its only key."""
        return self._wire.call("EVALSHA", sha, 1, prefix, *args)

    def ask(self, *_: object) -> bool:
        """`run` is used."""
        return False

    async def load(self, source: str) -> str:
        """SCRIPT LOAD."""
        return str(self._wire.call("SCRIPT", "LOAD", source).decode())

    async def command(self, *args: Word) -> Any:
        """One command."""
        return self._wire.call(*args)

    keyless = command


async def audit(wire: Wire) -> list[str]:
    """The findings of a whole sweep, a line each: its rule first."""
    reader = StoreReader(Direct(wire), 1, clustered=False)  # type: ignore[arg-type]
    await reader.calls.load()
    report = await check_store(reader)
    return [
        f"{f.rule} {f.what} ({f.user} {f.job} {f.entry}: expected {f.expected!r}, found {f.found!r})"
        for f in report.findings
    ]
