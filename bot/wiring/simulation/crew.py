"""The processes of a world: a front (bot, relay, callbacks) and workers, each with a life of its own."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.kie.callback import CallbackSecrets, Rejection, verify
from adapters.sandbox.world.provider import FORGED, SimMaker
from bot.wiring.simulation.acts import FRONT, USERS
from bot.wiring.simulation.parts import Shop
from bot.wiring.simulation.people import Desk
from engine.alerts import Incident, Word
from engine.assembly import make_late_watch, make_relay, make_worker
from engine.config import EngineConfig
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.replay.graphs import Shelf
from engine.simulation.host import Host
from engine.simulation.install import open_simulated
from engine.telemetry import Field, Telemetry
from engine.worker import Worker
from states.graph import build_graph
from states.job import Hint
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import TERMINALS, Reason, Stage

if TYPE_CHECKING:
    from bot.wiring.simulation.world import World

IMPATIENT: Final = 0.35
"""How many worlds have short deadlines."""
SECRETS: Final = CallbackSecrets("simulated secret of our callback address")
_AWAY: Final = STRATEGY.changed(Stage.SENDING, Reason.USER_GONE, delays_s=(900,))
GRAPH: Final = build_graph(replace(_AWAY, video_life_s=3600))
"""Today's policy, but for an absent user a video is kept for an hour, not a day: worlds shall not be
mostly waiting."""
JUDGE: Final = Judge(GRAPH)
_NEXT: Final = GRAPH.strategy.changed(Stage.GENERATING, Reason.RATE_LIMITED, delays_s=(5, 20, 90), retries=3)
NEXT: Final = Judge(build_graph(replace(_NEXT, deadline_s=2400)))
"""The policy of the next version, which some processes of some worlds run beside the old one."""
SHORT: Final = Judge(build_graph(replace(_AWAY, deadline_s=300, patience_s=90, video_life_s=900)))
"""The policy of an impatient operator, by which all go in some worlds: deadlines pass in every state."""
SHELF: Final = Shelf([GRAPH, NEXT.graph, SHORT.graph])
CONFIG: Final = EngineConfig()


class Crew:
    """All processes, by name. A process that was killed begins a new life under its old name."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.hosts: dict[str, Host] = {}
        self._engines: dict[str, Engine] = {}
        self._workers: dict[str, Worker] = {}
        self._lives: dict[str, int] = {}
        self._old = SHORT if world.fate.number("impatience") < IMPATIENT else JUDGE
        self.skew_ms = 0
        """How far ahead the fastest clock has ever been."""

    def start(self, name: str) -> None:
        """A process begins (again)."""
        life = self._lives[name] = self._lives.get(name, 0) + 1
        fate = self._world.fate
        host = Host(name, self._world.loop, fate.dice(f"host {name} {life}"), fate, self._struck)
        self.hosts[name] = host
        host.start(self._run(host)).add_done_callback(partial(self._ended, host))

    def _ended(self, host: Host, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not host.dead:
            self._world.complain("crash", f"{host.name}: {type(error).__name__}: {error}")

    def _version(self, name: str) -> Judge:
        """What this life of a process judges by: in some worlds a new version is being rolled out."""
        fate, life = self._world.fate, self._lives[name]
        chance = (0.0 if name == FRONT else 0.4) if life == 1 else 0.75
        new = fate.families["versions"] > 0 and fate.number(f"version of {name} {life}") < chance
        return NEXT if new else self._old

    def _struck(self, host: Host, kind: str, span_s: float) -> None:
        if kind == "killed":
            self.kill(host, span_s)
        else:
            host.freeze(span_s)
            self.disturb()

    async def _run(self, host: Host) -> None:
        """The main function of a process: trouble with the store at its start makes it try again."""
        world = self._world
        while True:
            try:
                library = world.plan.plant.library()
                engine = await open_simulated(world.server, host, CONFIG, library, self._version(host.name))
                break
            except StoreUnavailable:
                await host.sleep(1.0)
        self._engines[host.name] = engine
        telemetry = Telemetry([lambda name, fields: self._noted(host.name, name, fields)])
        await self._together(host, *self._parts(host, engine, telemetry))

    def _parts(
        self, host: Host, engine: Engine, telemetry: Telemetry
    ) -> tuple[Coroutine[Any, Any, None], ...]:
        world = self._world
        maker = SimMaker(world.provider, host)
        late = make_late_watch(engine, maker, telemetry)
        randomness = engine.store.randomness
        shop = Shop(world.telegram, host, world.fate, self._doubt, world.told, randomness)
        if host.name == FRONT:
            desk, alerts = Desk(engine, host, world.mail, world.complain), engine.alerts(_heard)
            relay = make_relay(engine, shop.notifier, late, alerts.raise_alert, telemetry)
            world.plan.plant.spoil_relay(relay)
            return relay.run(), alerts.run(), desk.fetch(), desk.pump()
        courier = world.plan.plant.courier(shop.courier)
        buyer = world.plan.plant.maker(maker)
        worker = make_worker(engine, buyer, courier, telemetry, name=host.name, keys=maker.keys, slots=3)
        self._workers[host.name] = worker
        world.plan.plant.spoil(engine)
        return worker.run(), late.run()

    async def _together(self, host: Host, *parts: Coroutine[Any, Any, None]) -> None:
        """Until the first part ends; a part that fails is a bug."""
        tasks = [asyncio.ensure_future(part) for part in parts]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = None if task.cancelled() else task.exception()
            if error is not None and not host.dead:
                self._world.complain("crash", f"{host.name}: {type(error).__name__}: {error}")

    def _noted(self, who: str, name: str, fields: dict[str, Field]) -> None:
        if name == "relay.dropped":
            self._world.dropped.add(str(fields.get("job")))
        if name == "job.denied":
            self._world.complain("denied", f"{who}: {fields}")

    # --- the provider's calls -----------------------------------------------------------------------

    def called_back(self, query: Mapping[str, str], task_id: str) -> None:
        """A callback arrives at the front, if it lives."""
        host, engine = self.hosts.get(FRONT), self._engines.get(FRONT)
        if host is None or engine is None or host.dead:
            return
        believed = verify(query, {}, orjson.dumps({"data": {"taskId": task_id}}), SECRETS, 0.0)
        if isinstance(believed, Rejection):
            return
        if task_id == FORGED and believed.job_id in self._world.witness.jobs:
            self._world.complain("callbacks", f"{believed.job_id}: a forged callback was believed")
        host.start(self._callback(host, engine, believed.job_id, believed.hint))

    async def _callback(self, host: Host, engine: Engine, job_id: str, hint: Hint) -> None:
        """What the callback route does with a callback it believes."""
        with suppress(StoreUnavailable):  # answered 500; it was only a hint
            job = await engine.job(job_id)
            if job is None:
                return
            if job.state not in TERMINALS:
                await engine.hint(job_id, hint)
                return
            late = make_late_watch(engine, SimMaker(self._world.provider, host), Telemetry())
            await late.call(job_id, hint.task_n, hint.task_id)

    # --- what is done to processes ------------------------------------------------------------------

    def _doubt(self, chat: int) -> None:
        self._world.doubts[chat] += 1

    def disturb(self) -> None:
        """What a process had on its way to Telegram may arrive later than anybody believes."""
        self._world.doubts.update(USERS)

    def kill(self, host: Host, span_s: float) -> None:
        """Gone at once; a new life after `span_s`."""
        if host.dead:
            return
        self.disturb()
        host.kill()
        self._engines.pop(host.name, None)
        self._workers.pop(host.name, None)
        self._world.loop.later(span_s, self.start, host.name)

    async def stop(self, host: Host, span_s: float) -> None:
        """A graceful stop, as a deploy makes it; then a new life."""
        worker = self._workers.pop(host.name, None)
        if worker is not None:
            await worker.stop(grace_s=5.0)
            self.kill(host, span_s)


async def _heard(incident: Incident, word: Word) -> bool:  # noqa: ARG001 - the operator reads everything
    return True
