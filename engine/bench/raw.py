"""The ceiling of our own scripts: the very calls of a real run, sent again without the engine.

A run of the real engine is recorded call by call, in the order in which the server executed them. The same
calls then go to a server in the same starting state, encoded beforehand. That they did the same work is
proved by the store's own counters of edges.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.bench.blast import Call, batched_commands, blast, loaded, single_commands
from engine.bench.crew import at_work, config_of, crew, fund
from engine.bench.meter import Server, look, wall_s
from engine.bench.waiting import until, until_async
from engine.config import EngineConfig
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.front import Engine
from engine.script_files import library
from engine.scripts import Value
from engine.store import Store

SLOTS = 64


class Recorder(Dispatcher):
    """A dispatcher that sends one call at a time and remembers each."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.calls: list[Call] = []
        self.recording = False
        self._one = asyncio.Lock()

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        """As the real one; what is executed first is remembered first."""
        async with self._one:
            answer = await super().call(prefix, verb, **given)
            if self.recording:
                self.calls.append((prefix, verb, library().encode(verb, given)))
            return answer


@dataclass(frozen=True, slots=True)
class Recording:
    """Calls of `jobs` whole jobs, and how often each edge was taken by them."""

    jobs: int
    users: int
    calls: list[Call]
    edges: Mapping[str, int]

    @property
    def verbs(self) -> Counter[str]:
        """How often each verb was called."""
        return Counter(verb for _, verb, _ in self.calls)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay as measured."""

    jobs: int
    edges: int
    took_s: float
    server: Server

    def figures(self) -> dict[str, float]:
        """The figures that are compared."""
        return {
            "jobs_per_s": self.jobs / self.took_s,
            "transitions_per_s": self.edges / self.took_s,
            "server_cpu_us_per_job": self.server.cpu_s * 1e6 / self.jobs,
            "server_cpu_us_per_transition": self.server.cpu_s * 1e6 / self.edges,
            "script_us_per_transition": self.server.script_us / self.edges,
            "server_busy": self.server.cpu_s / self.took_s,
        }


async def record_run(url: str, jobs: int, users: int) -> Recording:
    """Run whole jobs on an empty server and remember every call but those that fund the users."""
    config = config_of()
    store = await Store.connect(url, partitions=config.partitions)
    recorder = Recorder(store.connection)
    await recorder.load()
    store.dispatcher = recorder
    engine = Engine(store, config)
    await engine.open()
    await fund(engine, users, -(-jobs // users))
    recorder.recording = True
    await _carry_all(engine, jobs, users)
    recorder.recording = False
    async with Connection(url) as connection:
        return Recording(jobs, users, recorder.calls, await edges_taken(connection))


async def _carry_all(engine: Engine, jobs: int, users: int) -> None:
    room = asyncio.Semaphore(SLOTS)
    async with crew(engine, name="recorded", slots=SLOTS, ended=room.release) as made, at_work(made):
        for n in range(jobs):
            await room.acquire()
            await made.submit(n, 1 + n % users)
        await until(lambda: made.moves.done == jobs)
        await until_async(made.told_all)


async def replay_run(url: str, recording: Recording, *, batched: bool) -> Replayed:
    """Send a recording to an empty server. Raises RuntimeError when it does not do the same work again."""
    await _prepare(url, recording)
    shas = loaded(url)
    commands = list(
        batched_commands(recording.calls, shas["batch"])
        if batched
        else single_commands(recording.calls, shas.__getitem__)
    )
    async with Connection(url) as connection:
        before = await look(connection)
        began_s = wall_s()
        await asyncio.to_thread(blast, url, commands)
        took_s = wall_s() - began_s
        server = (await look(connection)).since(before)
        edges = await edges_taken(connection)
    if edges != recording.edges:
        raise RuntimeError(f"the replay took other edges than the run: {edges} instead of {recording.edges}")
    return Replayed(recording.jobs, sum(recording.edges.values()) - recording.jobs, took_s, server)


async def _prepare(url: str, recording: Recording) -> None:
    config: EngineConfig = config_of()
    engine = await Engine.connect(url, config)
    try:
        await fund(engine, recording.users, -(-recording.jobs // recording.users))
    finally:
        await engine.close()


async def edges_taken(connection: Connection) -> dict[str, int]:
    """How often each edge was taken, by the store's own counters (a submit counts as one)."""
    raw = await connection.command("HGETALL", "{1768}:c")
    pairs = raw.items() if isinstance(raw, dict) else zip(raw[::2], raw[1::2], strict=True)
    return {name.decode(): int(n) for name, n in pairs}
