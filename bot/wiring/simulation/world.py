"""One world, from its seed to its rest: processes, people and trouble on one virtual clock."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from adapters.kie.callback import address
from adapters.sandbox.world.provider import CREATE, POLL, RENDER, SimProvider
from adapters.sandbox.world.telegram import SimTelegram
from bot.wiring.simulation.acts import FRONT, WORKERS, Act, Deed, families, focus, written
from bot.wiring.simulation.crew import SECRETS, SHELF, Crew
from bot.wiring.simulation.deeds import do
from bot.wiring.simulation.ends import check_ends
from bot.wiring.simulation.parts import FILES, Told
from bot.wiring.simulation.people import Mail
from bot.wiring.simulation.plants import NOTHING, Plant
from bot.wiring.simulation.session import TROUBLE
from engine.simulation.audit import audit
from engine.simulation.checks import Inspector
from engine.simulation.fate import Fate
from engine.simulation.host import EPOCH_MS, Killed
from engine.simulation.link import SimServer
from engine.simulation.loop import WorldLoop
from engine.simulation.wire import Wire
from engine.simulation.witness import Witness

PREFIX: Final = "{1768}"
REST_S: Final = 3 * 3600.0
"""How long after the last trouble everything must have come to rest: deadline, a video's life, a margin."""
STORM_S: Final = 600.0
"""How long trouble goes on after the last deed of the script."""
FOCUSABLE: Final = (
    *(("provider", kind) for kind in {**CREATE, **RENDER, **POLL} if not kind.startswith("raises")),
    *(("telegram", kind) for kind in (*TROUBLE, *FILES)),
    *((("telegram", "strange"), ("provider", "photo_unreachable"), ("provider", "bad_request")) * 3),
    ("process", "killed"),
)
LOOK_S: Final = 20.0
AUDIT_EVERY: Final = 15
"""So many looks that saw something new, and the whole checker goes over the store."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one world is to be. `keep`: the only faults that may happen (a shrunk script)."""

    seed: int
    steps: int = 2000
    jobs: int = 16
    keep: frozenset[str] | None = None
    plant: Plant = NOTHING
    told: bool = False
    """Is its story wanted even when nothing is wrong?"""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be. `at_s`: virtual seconds."""

    invariant: str
    text: str
    at_s: float
    step: int


@dataclass(slots=True)
class World:
    """A running world. `live` ends at rest; `violation` is set as soon as one is found."""

    plan: Plan
    wire: Wire
    loop: WorldLoop
    fate: Fate = field(init=False)
    server: SimServer = field(init=False)
    witness: Witness = field(init=False)
    telegram: SimTelegram = field(init=False)
    provider: SimProvider = field(init=False)
    inspector: Inspector = field(init=False)
    crew: Crew = field(init=False)
    mail: Mail = field(init=False)
    told: Told = field(default_factory=Told)
    doubts: Counter[int] = field(default_factory=Counter)
    """Chats with calls whose fate their sender cannot know, and how many of them."""
    dropped: set[str] = field(default_factory=set)
    """Jobs of which a notice was given up."""
    violation: Violation | None = None
    events: list[str] = field(default_factory=list)
    messages: dict[int, int] = field(default_factory=dict)
    """Launch number -> its proposal, which becomes the status message."""
    acts: int = 0
    owed: int = 0
    """What the operator did and has yet to undo."""
    calm_ms: int = 0
    """When trouble ended; 0 = it has not."""
    _looks: int = 0

    def __post_init__(self) -> None:
        """Lay everything out; nothing runs yet."""
        plan = self.plan
        self.fate = Fate(
            plan.seed, plan.keep, families=families(plan.seed), focus=focus(plan.seed, FOCUSABLE)
        )
        self.inspector = Inspector(self.wire, PREFIX, self.complain, self._latest_ms)
        library = plan.plant.library()
        order = {name: tuple(a.name for a in verb.arguments) for name, verb in library.verbs.items()}
        self.witness = Witness(order, self.complain, self.now_ms)
        self.server = SimServer(self.wire, self.loop, self.fate, self.witness.hear, order)
        self.telegram = SimTelegram(self.complain)
        self.provider = SimProvider(
            self.fate, self.loop.time, self.loop.later, self._called_back, _address, self.complain
        )
        self.crew = Crew(self)
        self.mail = Mail()

    def now_ms(self) -> int:
        """The true time."""
        return EPOCH_MS + int(self.loop.time() * 1000)

    def _latest_ms(self) -> int:
        return self.now_ms() + self.crew.skew_ms + 1000

    @property
    def steps(self) -> int:
        """Store calls that did something, outside calls, deeds. Looks that found nothing do not count."""
        return self.witness.steps + self.provider.calls + self.calls + self.acts

    @property
    def calls(self) -> int:
        """Calls to Telegram that arrived."""
        return sum(sum(c.sent.values()) + c.edits for c in self.telegram.chats.values())

    def complain(self, invariant: str, text: str) -> None:
        """The first violation ends the world."""
        if self.violation is None:
            self.violation = Violation(invariant, text, self.loop.time(), self.steps)
            self.loop.stop()

    def _called_back(self, query: Mapping[str, str], task_id: str) -> None:
        self.crew.called_back(query, task_id)

    def play(self, act: Act) -> None:
        """Do it now, unless the script leaves it out."""
        trouble = act.deed not in (Deed.LAUNCH, Deed.RETURN)
        if trouble and (self.fate.calm or not self.fate.happens(act.id, act.deed)):
            return
        self.acts += 1
        self.events.append(act.id)
        do(self, act)

    async def live(self) -> None:
        """The story, then the calm, then rest."""
        for name in (FRONT, *WORKERS):
            self.crew.start(name)
        script = written(self.fate, self.plan.jobs)
        for act in script:
            self.loop.call_at(act.at_s, self.play, act)
        last_s = script[-1].at_s
        while self.loop.time() < last_s + STORM_S and self.steps < self.plan.steps and not self._rests():
            await self._look()
        self.fate.calm = True
        self.calm_ms = self.now_ms()
        until_s = max(self.loop.time(), last_s) + REST_S
        while self.loop.time() < until_s:
            await self._look()
            if self.loop.time() > last_s and self._rests():
                self.inspector.recompute(SHELF)
                check_ends(self)
                await self._audit()
                return
        self.complain("rest", f"still waiting after {REST_S:.0f} s of calm: {self.inspector.waiting()}")

    async def _look(self) -> None:
        """Wait a while; when something has changed, look whether all is well."""
        before = self.server.memory.changes
        await asyncio.sleep(LOOK_S)
        if self.server.memory.changes != before:
            self.inspector.look()
            self._looks += 1
            if self._looks % AUDIT_EVERY == 0:
                await self._audit()

    async def _audit(self) -> None:
        """The product's own checker."""
        for finding in await audit(self.wire):
            self.complain(f"check {finding.partition(' ')[0]}", finding)

    def _rests(self) -> bool:
        """No live job, nothing to tell, nothing to read, nothing that the operator has yet to undo."""
        if not self.mail.jobs or self.owed or self.mail.waiting:
            return False
        return not any(self.inspector.waiting().values())


def _address(job_id: str, n: int) -> dict[str, str]:
    """The query of our callback address, signed as in production."""
    return dict(parse_qsl(urlsplit(address("https://bot.test", SECRETS.ours, job_id, n)).query))


def unwind(world: World) -> None:
    """End everything that still runs, so that nothing is left for the collector to complain about."""
    for host in world.crew.hosts.values():
        host.kill()
    tasks = [task for task in asyncio.all_tasks(world.loop) if not task.done()]
    for task in tasks:
        task.cancel()
    with suppress(Killed, asyncio.CancelledError, RuntimeError):
        world.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
