"""The documented users of the server: a whole life passes with them, and nothing else does."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.commands.doctor import doctor
from engine.alerts import Incident, Word
from engine.asides import note_aside
from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.doctor import examine
from engine.durability import Durability
from engine.errors import ScriptFailed
from engine.fitness import Level
from engine.front import Engine
from engine.ports import Alert
from engine.randomness import SeededRandomness
from engine.rights import auditor_line, commands_in, service_line
from engine.script_files import library, read_sources
from engine.scripts import Value
from states.job import Hint
from states.vocabulary import AlertKind, Reason, State
from tests.engine.fakes import FILM, USER, World, failed
from tests.engine.test_relay import notice
from tests.fleet import HOST, Node, linked, until

SURE = ("--appendonly", "yes", "--appendfsync", "always")
ENGINE = Path(__file__).parents[2] / "engine"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A server whose replica confirms, with both users."""
    master, replica = Node(*SURE), Node(*SURE)
    try:
        for each in (master, replica):
            each.start()
        replica.ask("REPLICAOF", HOST, master.port)
        until(lambda: linked(replica), "the replica follows")
        for line in (service_line("reel"), auditor_line("reel-audit")):
            if "7.0." in master.fact("server", "redis_version"):
                line = line.replace("+waitaof", "+config|get")  # noqa: PLW2901 - as the printed remark says
            assert master.ask(*line.replace("PASSWORD", "word").split()) == "OK"
        yield master
    finally:
        for each in (master, replica):
            each.remove()


def url(node: Node, user: str) -> str:
    return f"redis://{user}:word@{HOST}:{node.port}"


@pytest.fixture
async def world(node: Node, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[World]:
    node.ask("FLUSHALL")
    config = EngineConfig(partitions=16, durability=Durability.STRICT)
    engine = await Engine.connect(url(node, "reel"), config, clock=clock, randomness=randomness)
    yield World(engine, clock)
    await engine.close()


async def carried(world: World, *, crash: bool = False) -> None:
    """A worker carries all that is due; `crash`: it dies right after claiming."""
    worker = world.worker()
    partition = world.store.partition_of_user(USER)
    while (claim := await world.store.claim("w1", partition=partition, lease_ms=15_000, queued_ok=True)).job:
        if crash:
            return
        worker.leases.hold(claim.job, claim.asked_ms)
        await worker.leases.tick()
        await worker.executor.carry(claim.job, lost=Reason.WORKER_LOST if claim.lost else None)
        worker.leases.drop(claim.job.id)


async def lives(world: World) -> None:
    """Jobs that are retried, lost with their worker, cancelled, set aside, paid and delivered."""
    engine, store = world.engine, world.store
    world.maker.creates.append(failed(Reason.UNAVAILABLE))
    job = await world.launched()
    assert await engine.place_in_line(job.id) == 1
    await carried(world, crash=True)
    for _ in range(4):
        world.clock.advance(60)
        await carried(world)
    assert (await world.job(job.id)).state is State.DONE
    cancelled = await world.launched("tap-2")
    await engine.hint(cancelled.id, Hint("callback", 1))
    await engine.cancel(cancelled.id, USER)
    aside = await world.launched("tap-3")
    await store.quarantine(aside.id, "a test")
    assert await store.quarantined()
    await store.unquarantine(aside.id)
    home = store.partition_of_user(USER)
    assert [each.id for each in await store.due_page(home)] == [aside.id]
    done = await world.job(job.id)
    assert await store.late(done) == done
    claim = await store.claim("w1", partition=home, lease_ms=15_000, queued_ok=True)
    assert claim.job is not None
    assert await store.park(claim.job, world.clock.now_ms() + 1000) is None
    await engine.user_returned(USER)
    await note_aside(store, job.id, {"kind": "test"})
    assert await engine.jobs_of(USER)
    assert await engine.live_jobs()
    assert await engine.history(job.id)
    assert await engine.statement(USER)
    assert await store.counts()
    assert await engine.events("0", 0.01)
    waiting = await world.job(aside.id)
    assert await store.migrate(waiting, "no such graph", {"edge": "submit"}) == "illegal"
    assert (await engine.erase(USER)).jobs == 2
    assert await engine.erased_films(0) == (FILM,)


async def desks(world: World) -> None:
    """What bot, relay and operator do."""
    engine = world.engine

    async def tell(incident: Incident, word: Word) -> bool:
        return incident.kind == AlertKind.INCIDENT.value and bool(word)

    await engine.remember(USER, "draft", b"x", 60)
    assert await engine.recall(USER, "draft") == b"x"
    await engine.forget(USER, "draft")
    await engine.keep_unheard(notice(0), 1)
    assert await engine.user_returned(USER) == 1
    await engine.pause("no credits")
    assert await engine.paused()
    await engine.unpause()
    for number in (1, 2):
        await engine.put_update(number, USER, b"{}")
    (update,) = await engine.take_updates("bot")
    await engine.nack_update(update, 0)
    (update,) = await engine.take_updates("bot")
    await engine.ack_update(update)
    alerts = engine.alerts(tell)
    await alerts.raise_alert(Alert("a", AlertKind.INCIDENT.value, "text", ""), "op-1")
    await alerts.tick()
    assert await alerts.open()
    await alerts.resolve("a")
    outbox = engine.outbox()
    assert await outbox.take(1)
    assert (await outbox.depth()).entries
    await outbox.shut(5)
    await outbox.wait(0)
    await outbox.close()
    await engine.store.ring(0)
    assert await engine.store.wait(0, world.clock.now_ms() + 60_000)
    assert (await engine.limits.health("kie")).keys
    await engine.limits.opens_ms("kie", ["main"])


async def test_a_whole_life_passes_with_the_narrow_user(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: set[str] = set()
    call = Dispatcher.call

    async def noted(self: Dispatcher, prefix: str, verb: str, /, **given: Value) -> object:
        called.add(verb)
        return await call(self, prefix, verb, **given)

    monkeypatch.setattr(Dispatcher, "call", noted)
    await lives(world)
    await desks(world)
    await world.engine.open()
    await world.store._open()
    await world.store.leave("w1")
    assert set(library().verbs) - called == set(), "verbs that were not tried with it"


@pytest.mark.parametrize(
    "words",
    [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "WHOAMI"),
        ("GET", "another:key"),
        ("SET", "{another}:key", "1"),
        ("SCRIPT", "FLUSH"),
        ("DEBUG", "SLEEP", "0"),
        ("REPLICAOF", "NO", "ONE"),
        ("PUBLISH", "news", "1"),
    ],
)
async def test_what_is_outside_is_refused(node: Node, words: tuple[str, ...]) -> None:
    async with Connection(url(node, "reel")) as link:
        with pytest.raises(ScriptFailed, match="NoPermission"):
            await link.command(*words)


async def test_the_auditor_proves_the_books_and_changes_nothing(world: World, node: Node) -> None:
    await lives(world)
    async with await StoreReader.open(url(node, "reel-audit")) as reader:
        assert (await check_store(reader)).clean
    found = await examine(url(node, "reel-audit"), 16, Durability.STRICT)
    assert [finding.what for finding in found if finding.level is Level.ERROR] == []
    async with Connection(url(node, "reel-audit")) as link:
        with pytest.raises(ScriptFailed, match="NoPermission"):
            await link.command("HSET", "{1768}:a:7", "bal", 1_000_000)


SENT = re.compile(r'(?:command|keyless|masters|run|_command)\(\s*"([A-Z]+(?: [A-Z]+)?)"(?:, "([A-Z]+)")?')


def test_every_command_of_the_engine_is_allowed() -> None:
    """Those in Lua are read out of it; those in Python are looked for here."""
    allowed = {word.removeprefix("+") for word in service_line("x").split() if word.startswith("+")}
    for path in (*ENGINE.glob("*.py"), ENGINE / "check" / "reading.py"):
        for first, second in SENT.findall(path.read_text(encoding="utf-8")):
            words = {first.lower().replace(" ", "|"), f"{first}|{second}".lower()}
            assert words & (allowed | {"config|get", "dbsize"}), f"{path.name}: {first}"
    assert {"lpush", "rpush", "hincrby"} <= commands_in(read_sources().values()) <= allowed


def test_the_lines_are_printed() -> None:
    shown = CliRunner().invoke(doctor, ["--acl", "shop"])
    assert service_line("shop") in shown.output
    assert "ACL SETUSER shop-audit reset on >PASSWORD ~{1768}*" in shown.output
    refused = CliRunner().invoke(doctor, ["--acl", "two words"])
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
