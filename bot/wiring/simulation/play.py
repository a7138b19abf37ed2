"""Playing worlds: one seed on one server, from an empty store to a verdict."""

import gc
import io
import signal
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from adapters.embedded import EmbeddedConfig, EmbeddedServer, Sync
from bot.wiring.simulation.coverage import seen
from bot.wiring.simulation.world import Plan, Violation, World, unwind
from engine.logbook import open_logbook
from engine.simulation.host import Killed
from engine.simulation.loop import Stalled, WorldLoop
from engine.simulation.wire import Wire


@dataclass(frozen=True, slots=True)
class Played:
    """How a world went. `digest`: of all its histories and ledgers. `faults`: their ids, in order."""

    plan: Plan
    violation: Violation | None
    steps: int
    looks: int
    virtual_s: float
    digest: str
    faults: dict[str, str]
    ends: Counter[str]
    graphs: Counter[str]
    """Records by the digest of the graph that decided."""
    seen: Counter[str]
    """What was exercised (`coverage`)."""
    story: tuple[str, ...]
    """What happened to the jobs, line by line; only of a violation, or when the plan asks for it."""


@contextmanager
def server() -> Iterator[Wire]:
    """An embedded server of our own, without a file, for as long as worlds are played on it."""
    with tempfile.TemporaryDirectory(prefix="reel") as folder:
        config = EmbeddedConfig(Path(folder), Sync.NO)
        with EmbeddedServer(config) as running:
            wire = Wire(running.url.removeprefix("unix://"))
            wire.call("CONFIG", "SET", "appendonly", "no")
            try:
                yield wire
            finally:
                wire.close()


def play_many(plans: Iterable[Plan], workers: int) -> Generator[Played, None, None]:
    """Worlds one after the other, or in several processes; answers come in the order of the plans.

    The plans may be endless: only a few are begun before their answers are asked for.
    """
    with ExitStack() as stack:
        wires = [stack.enter_context(server()) for _ in range(workers)]
        if len(wires) == 1:
            yield from (play(plan, wires[0]) for plan in plans)
            return
        context = get_context("spawn")
        paths = context.Queue()
        for wire in wires:
            paths.put(wire.path)
        pool = stack.enter_context(
            ProcessPoolExecutor(len(wires), context, initializer=_settle, initargs=(paths,))
        )
        stack.callback(_end, set(active_children()))
        ahead, rest = deque[Future[Played]](), iter(plans)
        while True:
            with _undisturbed():
                ahead.extend(pool.submit(_play_here, plan) for plan in islice(rest, 3 * workers - len(ahead)))
            if not ahead:
                return
            yield ahead.popleft().result()


def _end(others: set[BaseProcess]) -> None:
    """Whoever leaves early does not wait for worlds that nobody will look at. (`others` are not ours.)"""
    for process in set(active_children()) - others:
        process.kill()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No signal while processes are born: one that is half known would be left. They are born deaf, too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_here: list[Wire] = []
"""The server of this process of a pool."""


def _settle(paths: Any) -> None:
    _here.append(Wire(paths.get()))


def _play_here(plan: Plan) -> Played:
    return play(plan, _here[0])


def play(plan: Plan, wire: Wire) -> Played:
    """One world from the beginning to its rest, or to its first violation."""
    open_logbook("CRITICAL", io.StringIO())  # worlds are full of failures; the verdict is what counts
    wire.all([("FLUSHALL",), ("SCRIPT", "FLUSH")])
    loop = WorldLoop()
    world = World(plan, wire, loop)
    gc.disable()  # a world is short, and nearly all of it is garbage at once, at its end
    try:
        _run(world)
        return _played(world)
    finally:
        unwind(world)
        loop.close()
        gc.enable()


def _run(world: World) -> None:
    try:
        world.loop.run_until_complete(world.live())
    except Stalled as error:
        world.complain("stalled", str(error))
    except RuntimeError:
        if world.violation is None:  # a complaint stops the loop before its main task is done
            raise
    for crash in world.loop.crashes:
        cause = crash.get("exception")
        if cause is not None and not isinstance(cause, Killed):
            world.complain("crash", f"{crash['message']}: {type(cause).__name__}: {cause}")


def _played(world: World) -> Played:
    ends = Counter(known.state for known in world.witness.jobs.values())
    told = world.plan.told or world.violation is not None
    return Played(
        plan=world.plan,
        violation=world.violation,
        steps=world.steps,
        looks=world.witness.idle,
        virtual_s=world.loop.time(),
        digest=world.inspector.digest(),
        faults=dict(world.fate.fired),
        ends=ends,
        graphs=world.witness.graphs,
        seen=seen(world),
        story=tuple(_story(world)) if told else (),
    )


def _story(world: World) -> Iterator[str]:
    yield from world.events
    yield "Telegram"
    yield from (f"  {line}" for line in world.telegram.journal)
    for job, known in world.witness.jobs.items():
        yield job
        yield from (f"  {line}" for line in known.lines)
