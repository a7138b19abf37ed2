"""The soak's weather: faults of provider and Telegram as single calls, deeds done to processes and store."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.sandbox.faults import Fault
from adapters.sandbox.scenarios import SCENARIOS
from tests.soak.town import Town

FAULT_EVERY_S: Final = 2.5
DEED_EVERY_S: Final = 15.0
_TIMES: Final = 2
"""How often one fault hits: the scenarios' endless ones are shortened to it."""
_DEEDS: Final = {
    "worker killed": 4,
    "worker frozen": 3,
    "store frozen": 3,
    "connections cut": 3,
    "scripts flushed": 3,
    "store killed": 1,
}
_FROZEN_S: Final = {"worker": 5.0, "store": 1.5}
"""A worker is frozen beyond its lease (three real seconds), the store within a call's time-out."""


def _short(fault: Fault) -> Fault:
    times = _TIMES if fault.times is None else min(fault.times, _TIMES)
    return replace(fault, times=times, id="")


WEATHER: Final = tuple((name, _short(fault)) for name, story in SCENARIOS.items() for fault in story.faults)
RARE: Final = frozenset({"provider_auth"})
"""What stops all launches for ten minutes: were it as common as the others, nobody would launch anything."""
RARE_SHARE: Final = 0.2


@dataclass(slots=True)
class Trouble:
    """Makes it. `done` counts what was made."""

    town: Town
    done: Counter[str] = field(default_factory=Counter)

    async def rain(self) -> None:
        """Now and then one call goes wrong."""
        rng = self.town.rng
        while True:
            await asyncio.sleep(rng.expovariate(1 / FAULT_EVERY_S))
            name, fault = rng.choice(WEATHER)
            if name in RARE and rng.random() > RARE_SHARE:
                continue
            self.town.faults.extend([fault])
            self.done[f"fault {name}"] += 1
            for old in list(self.town.faults.listing())[:-20]:
                self.town.faults.remove(old.id)
            self._sweep()

    def _sweep(self) -> None:
        """Forget the faults that have hit."""
        alive = {fault.id for fault in self.town.faults.listing()}
        for row in self.town.faults.to_json():
            if row["id"] not in alive:
                self.town.faults.remove(str(row["id"]))

    async def storm(self) -> None:
        """Now and then something happens to a process or to the store."""
        rng = self.town.rng
        while True:
            await asyncio.sleep(rng.expovariate(1 / DEED_EVERY_S))
            deed = rng.choices(list(_DEEDS), list(_DEEDS.values()))[0]
            await asyncio.shield(self._do(deed))  # a deed half done would leave the store dead at the end
            self.done[f"deed {deed}"] += 1

    async def _do(self, deed: str) -> None:
        town = self.town
        doomed = town.helpers["doomed"]
        match deed:
            case "worker killed":
                await asyncio.to_thread(doomed.end, signal.SIGKILL)
                doomed.start()
            case "worker frozen":
                doomed.send(signal.SIGSTOP)
                await asyncio.sleep(_FROZEN_S["worker"])
                doomed.send(signal.SIGCONT)
            case "store frozen":
                await self._frozen_store()
            case "connections cut":
                await town.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
            case "scripts flushed":
                await town.redis.execute_command("SCRIPT", "FLUSH")  # type: ignore[no-untyped-call]
            case _:
                os.kill(town.server.pid, signal.SIGKILL)
                await asyncio.to_thread(town.server.stop)
                await asyncio.to_thread(town.server.start)

    async def _frozen_store(self) -> None:
        pid = self.town.server.pid  # deeds are done one after another: it runs
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(_FROZEN_S["store"])
        finally:
            os.kill(pid, signal.SIGCONT)
