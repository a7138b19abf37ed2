"""The engine's moving parts put together: a worker, a relay and a late watch, from a front door and ports."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from engine.committer import Committer
from engine.executor import Executor
from engine.front import Engine
from engine.gate import Gate
from engine.late import LATE, LateWatch
from engine.leases import Leases
from engine.ports import Alert, Courier, Notifier, VideoMaker
from engine.queues import OUTBOX, OrderedQueue
from engine.relay import Relay
from engine.telemetry import Telemetry
from engine.worker import Worker
from states.job import Job


@dataclass(slots=True)
class _Lost:
    """Leases tell the worker which jobs are lost; the worker is made after them."""

    worker: Worker | None = None

    def __call__(self, job_id: str) -> None:
        if self.worker is not None:
            self.worker.abandon(job_id)


def make_worker(
    engine: Engine,
    maker: VideoMaker,
    courier: Courier,
    telemetry: Telemetry,
    *,
    name: str,
    keys: Sequence[str],
    slots: int = 64,
) -> Worker:
    """A worker over an open engine. `keys`: names of the provider keys it may buy with."""
    store, config, lost = engine.store, engine.config, _Lost()
    leases = Leases(store, name, store.clock, telemetry, config.lease_ms, lost)
    gate = Gate(
        engine.limits,
        "kie",
        keys,
        store.clock,
        telemetry,
        paused=engine.paused,
        pause=engine.pause,
        unpause=engine.unpause,
        alert=engine.alert,
    )
    committer = Committer(store, engine.judges, store.clock, store.randomness, telemetry, name, engine.alert)
    executor = Executor(committer, maker, courier, gate, store.clock, leases.still_ours)
    worker = Worker(store, executor, leases, gate, store.clock, telemetry, name, config.lease_ms, slots=slots)
    lost.worker = worker
    return worker


def make_late_watch(engine: Engine, maker: VideoMaker, telemetry: Telemetry) -> LateWatch:
    """The watch over tasks whose jobs have ended."""
    return LateWatch(_queue(engine, LATE), engine.store, maker, engine.store.clock, telemetry)


def make_relay(
    engine: Engine,
    notifier: Notifier,
    late: LateWatch,
    raise_alert: Callable[[Alert, str], Awaitable[None]],
    telemetry: Telemetry,
) -> Relay:
    """The outbox relay."""

    async def read(job_id: str) -> Job | None:
        return await engine.job(job_id)

    return Relay(
        _queue(engine, OUTBOX),
        notifier,
        raise_alert,
        late.order,
        engine,
        read,
        engine.store.clock,
        telemetry,
    )


def _queue(engine: Engine, name: str) -> OrderedQueue:
    store = engine.store
    return OrderedQueue(
        name,
        store.dispatcher,
        store.connection,
        store.clock,
        store.randomness,
        partitions=store.partitions,
        lease_ms=engine.config.outbox_lease_ms,
    )
