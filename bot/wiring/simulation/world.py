"""One world, from its seed to its rest: processes, people and trouble on one virtual clock."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.sandbox.world.provider import SimMaker, SimProvider
from adapters.sandbox.world.telegram import SimTelegram
from bot.wiring.simulation.ends import check_ends
from bot.wiring.simulation.acts import FRONT, USERS, WORKERS, Act, Deed, families, written
from bot.wiring.simulation.parts import Shop, Told
from bot.wiring.simulation.people import Desk, Mail
from bot.wiring.simulation.plants import NOTHING, Plant
from engine.alerts import Incident, Word
from engine.assembly import make_late_watch, make_relay, make_worker
from engine.config import EngineConfig
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.simulation.checks import Inspector
from engine.simulation.fate import Fate
from engine.simulation.host import EPOCH_MS, Host, Killed
from engine.simulation.install import open_simulated
from engine.simulation.link import SimServer
from engine.simulation.loop import WorldLoop
from engine.simulation.wire import Wire
from engine.simulation.witness import Witness
from engine.telemetry import Field, Telemetry
from engine.worker import Worker
from states.graph import build_graph
from states.job import Hint
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import TERMINALS, Reason, Stage

PREFIX: Final = "{1768}"
_AWAY: Final = STRATEGY.changed(Stage.SENDING, Reason.USER_GONE, delays_s=(900,))
GRAPH: Final = build_graph(replace(_AWAY, video_life_s=3600))
"""Today's policy, but for an absent user a video is kept for an hour, not a day: worlds shall not be
mostly waiting."""
JUDGE: Final = Judge(GRAPH)
CONFIG: Final = EngineConfig()
REST_S: Final = 3 * 3600.0
"""How long after the last trouble everything must have come to rest: deadline, a video's life, a margin."""
LOOK_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one world is to be. `keep`: the only faults that may happen (a shrunk script)."""

    seed: int
    steps: int = 2000
    jobs: int = 12
    keep: frozenset[str] | None = None
    plant: Plant = NOTHING


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
    mail: Mail = field(default_factory=Mail)
    told: Told = field(default_factory=Told)
    hosts: dict[str, Host] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    doubts: set[int] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    disturbed: set[str] = field(default_factory=set)
    violation: Violation | None = None
    events: list[str] = field(default_factory=list)
    acts: int = 0
    background: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Lay everything out; nothing runs yet."""
        plan = self.plan
        self.fate = Fate(plan.seed, plan.keep, families=families(plan.seed))
        self.inspector = Inspector(self.wire, PREFIX, self.complain)
        library = plan.plant.library()
        order = {name: tuple(a.name for a in verb.arguments) for name, verb in library.verbs.items()}
        self.witness = Witness(order, self.complain, self.now_ms)
        self.server = SimServer(self.wire, self.loop, self.fate, self.witness.hear)
        self.telegram = SimTelegram(self.complain)
        self.provider = SimProvider(
            self.fate, self.loop.time, self.loop.call_later, self._called_back, self.complain
        )

    def now_ms(self) -> int:
        """The true time."""
        return EPOCH_MS + int(self.loop.time() * 1000)

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

    # --- processes --------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """A process begins (again)."""
        life = self.lives[name] = self.lives.get(name, 0) + 1
        host = Host(name, self.loop, self.fate.dice(f"host {name} {life}"))
        self.hosts[name] = host
        host.start(self._run(host))

    async def _run(self, host: Host) -> None:
        """The main function of a process: trouble with the store at its start makes it try again."""
        while True:
            try:
                engine = await open_simulated(self.server, host, CONFIG, self.plan.plant.library(), JUDGE)
                break
            except StoreUnavailable:
                await host.sleep(1.0)
        self.engines[host.name] = engine
        shop = Shop(self.telegram, host, self.fate, self._doubt, self.told, engine.store.randomness)
        telemetry = Telemetry([lambda name, fields: self._note(host.name, name, fields)])
        maker = SimMaker(self.provider, host)
        late = make_late_watch(engine, maker, telemetry)
        if host.name == FRONT:
            desk = Desk(engine, host, self.mail)
            alerts = engine.alerts(_heard)
            relay = make_relay(engine, shop.notifier, late, alerts.raise_alert, telemetry)
            await self._together(host, relay.run(), alerts.run(), desk.fetch(), desk.pump())
            return
        courier = self.plan.plant.courier(shop.courier)
        worker = make_worker(engine, maker, courier, telemetry, name=host.name, keys=maker.keys, slots=3)
        self.workers[host.name] = worker
        self.plan.plant.spoil(engine)
        await self._together(host, worker.run(), late.run())

    async def _together(self, host: Host, *parts: Coroutine[Any, Any, None]) -> None:
        """Until the first part ends; a part that fails is a bug."""
        tasks = [asyncio.ensure_future(part) for part in parts]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = None if task.cancelled() else task.exception()
            if error is not None and not host.dead:
                self.complain("crash", f"{host.name}: {type(error).__name__}: {error}")

    def _doubt(self, chat: int, method: str) -> None:  # noqa: ARG002 - one shape for all doubts
        self.doubts.add(chat)

    def _note(self, who: str, name: str, fields: dict[str, Field]) -> None:
        if name == "relay.dropped":
            self.dropped.add(str(fields.get("job")))
        if name in ("job.denied",):
            self.complain("denied", f"{who}: {fields}")

    # --- the provider's calls -----------------------------------------------------------------------

    def _called_back(self, job_id: str, n: int, task_id: str) -> None:
        host = self.hosts.get(FRONT)
        engine = self.engines.get(FRONT)
        if host is not None and engine is not None and not host.dead:
            host.start(self._callback(host, engine, job_id, Hint("callback", n, task_id)))

    async def _callback(self, host: Host, engine: Engine, job_id: str, hint: Hint) -> None:
        """What the callback route does with a callback it believes."""
        with suppress(StoreUnavailable):  # answered 500; it was only a hint
            job = await engine.job(job_id)
            if job is None:
                return
            if job.state not in TERMINALS:
                await engine.hint(job_id, hint)
                return
            late = make_late_watch(engine, SimMaker(self.provider, host), Telemetry())
            await late.call(job_id, hint.task_n, hint.task_id)

    # --- deeds ----------------------------------------------------------------------------------------

    def play(self, act: Act) -> None:
        """Do it now, unless the script leaves it out."""
        trouble = act.deed not in (Deed.LAUNCH, Deed.RETURN)
        if trouble and (self.fate.calm or not self.fate.happens(act.id, act.deed)):
            return
        self.acts += 1
        self.events.append(act.id)
        self._do(act)

    def _do(self, act: Act) -> None:
        now, who, span = self.loop.time(), act.who, act.span_s
        host = self.hosts.get(who)
        match act.deed:
            case Deed.LAUNCH | Deed.TAP_AGAIN | Deed.CANCEL | Deed.REDELIVER:
                self._update(act)
            case Deed.DELETE:
                self._delete(act)
            case Deed.BLOCK | Deed.RETURN:
                self.telegram.chat(int(who)).blocked = act.deed is Deed.BLOCK
                if act.deed is Deed.RETURN:
                    self.mail.send(act)
            case Deed.KILL if host is not None and not host.dead:
                self._kill(host, span)
            case Deed.STOP if host is not None and not host.dead:
                host.start(self._stop(host, span))
            case Deed.FREEZE if host is not None:
                host.freeze(span)
                self._disturb(who)
            case Deed.CUT if host is not None:
                host.cut_until_s = now + span
                self._disturb(who)
            case Deed.JUMP if host is not None:
                host.skew_ms += round(span * 1000)
            case Deed.OUTAGE:
                self.server.fall(span)
            case Deed.FLUSH:
                self.wire.call("SCRIPT", "FLUSH")
                self.server.verbs.clear()
            case Deed.EMPTY:
                self.provider.empty = True
                self.loop.call_later(span, self._top_up)
            case Deed.DEAD_KEY:
                self.provider.dead_keys.add(who)
                self.loop.call_later(span, self.provider.dead_keys.discard, who)
            case _:
                return

    def _disturb(self, who: str) -> None:
        """What this process had on its way to Telegram may arrive later than anybody believes."""
        self.disturbed.add(who)
        self.doubts.update(USERS)

    def _top_up(self) -> None:
        self.provider.empty = False

    def _update(self, act: Act) -> None:
        message = 0
        if act.deed in (Deed.LAUNCH, Deed.REDELIVER):
            message = self.telegram.post(int(act.who), f"proposal {act.job}")
            if act.deed is Deed.LAUNCH:
                self.messages[act.job] = message
        elif act.deed is Deed.TAP_AGAIN:
            message = self.messages.get(act.job, 0)
        self.mail.send(act, message)

    def _delete(self, act: Act) -> None:
        message = self.messages.get(act.job)
        if message is not None:
            self.telegram.delete(int(act.who), message)

    messages: dict[int, int] = field(default_factory=dict)

    def _kill(self, host: Host, span_s: float) -> None:
        self._disturb(host.name)
        host.kill()
        self.engines.pop(host.name, None)
        self.workers.pop(host.name, None)
        self.loop.call_later(span_s, self.start, host.name)

    async def _stop(self, host: Host, span_s: float) -> None:
        """A graceful stop, as a deploy makes it; then a new life."""
        worker = self.workers.pop(host.name, None)
        if worker is None:
            return
        await worker.stop(grace_s=5.0)
        self._kill(host, span_s)

    # --- the course of things -----------------------------------------------------------------------

    async def live(self) -> None:
        """The story, then the calm, then rest."""
        for name in (FRONT, *WORKERS):
            self.start(name)
        script = written(self.fate, self.plan.jobs)
        for act in script:
            self.loop.call_at(act.at_s, self.play, act)
        last_s = script[-1].at_s
        while self.loop.time() < last_s and self.steps < self.plan.steps:
            await asyncio.sleep(LOOK_S)
            self.inspector.look()
        self._calm()
        until_s = max(self.loop.time(), last_s) + REST_S
        while self.loop.time() < until_s:
            await asyncio.sleep(LOOK_S)
            self.inspector.look()
            waiting = self.inspector.waiting()
            if self.loop.time() > last_s and not any(waiting.values()) and not self.mail.waiting:
                self._end()
                return
        self.complain("rest", f"still waiting after {REST_S:.0f} s of calm: {self.inspector.waiting()}")

    def _end(self) -> None:
        """Everything rests: the last questions."""
        self.inspector.recompute(GRAPH)
        check_ends(self)

    def _calm(self) -> None:
        self.fate.calm = True


async def _heard(incident: Incident, word: Word) -> bool:  # noqa: ARG001 - the operator reads everything
    return True


def unwind(world: World) -> None:
    """End everything that still runs, so that nothing is left for the collector to complain about."""
    for host in world.hosts.values():
        host.kill()
    tasks = [task for task in asyncio.all_tasks(world.loop) if not task.done()]
    for task in tasks:
        task.cancel()
    with suppress(Killed, asyncio.CancelledError, RuntimeError):
        world.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
