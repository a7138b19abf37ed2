"""Bugs planted on purpose, to see that the simulator finds them. Nothing here ever runs in production."""

from dataclasses import dataclass
from typing import Any, Final

from bot.wiring.simulation.parts import BlindCourier
from engine.front import Engine
from engine.ports import Courier
from engine.simulation.install import Scripts, scripts
from engine.values import EntryKind


@dataclass(frozen=True, slots=True)
class Plant:
    """A named bug. `changes`: (Lua file, old text, new text)."""

    name: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()

    def library(self) -> Scripts:
        """The scripts, with the bug in them."""
        return scripts(*self.changes)

    def courier(self, real: Courier) -> Courier:
        """The courier, spoilt when that is the bug."""
        return BlindCourier(real) if self.name == "resend" else real

    def spoil(self, engine: Engine) -> None:
        """Spoil the Python side of a process."""
        if self.name == "release":
            _release_apart(engine)


NOTHING: Final = Plant()
PLANTS: Final = {
    "epoch": Plant("epoch", (("lib/job.lua", "if g.ep ~= epoch then return 'fenced' end", ""),)),
    "release": Plant(
        "release",
        (
            (
                "verbs/commit.lua",
                "pay(T, g.uid, money, g.cost",
                "if money ~= 'release' then pay(T, g.uid, money, g.cost",
            ),
            ("verbs/commit.lua", "job, now)\nend", "job, now) end\nend"),
        ),
    ),
    "resend": Plant("resend"),
}
"""epoch: writes of an older lease are taken. release: credits go back in a call of their own, after the
transition. resend: a delivery whose answer was lost is sent again without a look."""


def _release_apart(engine: Engine) -> None:
    """After a commit that should have released, a second call does it: lost when the process dies between."""
    store: Any = engine.store
    commit = store.commit

    async def commit_then_release(before: Any, after: Any, **more: Any) -> Any:
        answer = await commit(before, after, **more)
        if after.state == "refunded" and getattr(answer, "state", None) == after.state:
            await engine.grant(before.user_id, before.cost, f"back:{before.id}", EntryKind.CORRECTION)
        return answer

    store.commit = commit_then_release
