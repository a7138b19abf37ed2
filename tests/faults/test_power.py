"""The server is killed, or the machine loses power: whatever is left of its file is a whole store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from bot.wiring.waiting import until
from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.clock import ManualClock
from engine.connection import Connection
from engine.errors import Refusal, ScriptFailed, StoreUnavailable
from engine.randomness import SeededRandomness
from engine.store import Store
from states.vocabulary import State
from tests.audit import findings, money_of
from tests.engine.check.flows import Books, make_books
from tests.factories import LEASE_MS
from tests.faults.figures import Figure
from tests.faults.lives import USER, Life
from tests.servers import Server

SOON_S = 240.0
AOF = ("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--auto-aof-rewrite-percentage", "0")


class Tail:
    """The append-only file of a running server, which can be cut and loaded again."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        (self.path,) = Path(server.socket.parent, "appendonlydir").glob("*.incr.aof")
        self.connection, self.anew = connection, 0
        self.whole = self.path.read_bytes()

    async def cut(self, length: int) -> str:
        """Power is lost when so many bytes were written. The digest of what the server finds then."""
        self.path.write_bytes(self.whole[:length])
        try:
            with suppress(ScriptFailed):  # it says that the end was missing, and has loaded what was there
                await self.connection.command("DEBUG", "LOADAOF")
        except (
            StoreUnavailable
        ):  # Redis 7.0 ends where an end is missing: it is started anew, as after a power cut
            self.anew += 1
            self.server.kill()
            self.server.start()
        return str((await self.connection.command("DEBUG", "DIGEST")).decode())


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server([*AOF, "--appendfsync", "no"])
    made.start()
    yield made
    made.remove()


@pytest.fixture
async def store(server: Server, randomness: SeededRandomness) -> AsyncIterator[Store]:
    opened = await Store.connect(server.url, clock=ManualClock(), randomness=randomness, partitions=1)
    yield opened
    await opened.close()


async def lived(store: Store) -> tuple[Life, int]:
    """A whole life, and how long the file was before the user tapped."""
    life = Life(store.connection, store.dispatcher._shas, SeededRandomness(1))
    await life.begin()
    size = await store.connection.info("persistence")
    await life.survive()
    return life, int(size["aof_current_size"])


STRIDES = [pytest.param(61, id="some bytes"), pytest.param(1, id="every byte", marks=pytest.mark.faults)]


@pytest.mark.parametrize("stride", STRIDES)
async def test_a_file_cut_at_any_byte_is_a_whole_store(
    server: Server, store: Store, stride: int, figure: Figure
) -> None:
    life, born = await lived(store)
    tail = Tail(server, store.connection)
    states: dict[str, int] = {}
    async with await StoreReader.open(server.url) as reader:
        for length in range(len(tail.whole), born, -stride):
            digest = await tail.cut(length)
            if tail.anew and stride == 1:
                pytest.skip(
                    "this server must be started anew for each byte (Redis 7.0): the other case cuts some"
                )
            if digest in states:
                continue
            report = await check_store(reader)
            assert report.findings == (), f"cut at byte {length} of {len(tail.whole)}"
            states[digest] = length
    assert len(states) > 8
    figure("power loss: cuts", -(-(len(tail.whole) - born) // stride))
    figure("power loss: different stores left", len(states))
    creates = life.provider.creates
    for length in states.values():
        await tail.cut(length)
        await _finishes(life, length)
    extra = life.provider.creates - creates
    figure("power loss without fsync: creates in all continuations", extra)
    assert extra <= len(states), "one more for each store that has forgotten the first, at most"


async def _finishes(life: Life, length: int) -> None:
    """Whoever finds such a store goes on with it; the tap comes again when it was not acknowledged."""
    life.handled = await life.job() is not None
    await life.survive()
    job = await life.job()
    assert job is not None
    assert job.state is State.DONE, f"cut at byte {length}"
    rows = list(reversed(await life.eye.statement(USER, 50)))
    assert money_of(rows, job.id) == ["hold", "capture"]
    assert len(life.chat.films) == 1, "the same message, however often"


async def test_a_server_starts_on_a_file_that_was_cut(server: Server, store: Store) -> None:
    _, born = await lived(store)
    tail = Tail(server, store.connection)
    for length in range(len(tail.whole) - 1, born, -(len(tail.whole) - born) // 5):
        server.kill()
        tail.path.write_bytes(tail.whole[:length])
        server.start()
        assert await findings(server.url) == (), f"cut at byte {length}"


# --- kill -9 ------------------------------------------------------------------------------------


async def lives(books: Books, acknowledged: dict[str, int], first: int, *, forgetful: bool) -> None:
    """Jobs at work; what was acknowledged is written down when its caller hears of it."""

    async def live(n: int) -> None:
        await books.submit(cost=1, idem=f"tap-{n}", max_live=1000)
        claim = await books.store.claim(f"w{n}", partition=0, lease_ms=LEASE_MS, queued_ok=True)
        job = claim.job
        if job is None:
            assert forgetful
            return
        acknowledged[job.id] = 0
        for edge, target in (
            ("queued/start", State.GENERATING),
            ("generating/rendered", State.SENDING),
            ("sending/delivered", State.DONE),
        ):
            answer = await books.move(job, edge, target)
            if isinstance(answer, Refusal):
                assert forgetful, answer
                return  # the server has forgotten what came before
            job = answer
            acknowledged[job.id] = job.seq

    await asyncio.gather(*(live(n) for n in range(first, first + 40)))


@pytest.mark.parametrize("fsync", ["always", "everysec"])
async def test_kill9_of_the_server_loses_nothing_that_was_acknowledged(
    fsync: str, clock: ManualClock, randomness: SeededRandomness, figure: Figure
) -> None:
    server = Server([*AOF, "--appendfsync", fsync])
    server.start()
    store = await Store.connect(server.url, clock=clock, randomness=randomness, partitions=1)
    try:
        books = await make_books(store, clock)
        await books.fund(7, 1000)
        acknowledged: dict[str, int] = {}
        lost = 0
        for round_ in range(4):
            working = asyncio.create_task(
                lives(books, acknowledged, round_ * 40, forgetful=fsync == "everysec")
            )
            assert await until(partial(_half, acknowledged, round_), SOON_S)
            await asyncio.to_thread(server.kill)
            known = dict(acknowledged)
            await asyncio.to_thread(server.start)
            lost += await _missing(server.url, known)
            await working
        assert await findings(server.url) == ()
        figure(f"lost acknowledged steps, kill -9, {fsync}", lost)
        figure(f"acknowledged steps, kill -9, {fsync}", sum(acknowledged.values()))
        # everysec: a write may wait in the server's own memory while the disk is busy with another one
        assert lost == 0 or fsync == "everysec"
    finally:
        await store.close()
        server.remove()


def _half(acknowledged: dict[str, int], round_: int) -> bool:
    """Is a round half done?"""
    return len(acknowledged) >= round_ * 40 + 20


async def _missing(url: str, known: dict[str, int]) -> int:
    """Acknowledged steps that the server does not know any more."""
    async with Connection(url) as link:
        rows = [await link.command("LLEN", f"{{1768}}:h:{job}") for job in known]
    return sum(max(0, seq + 1 - int(found)) for seq, found in zip(known.values(), rows, strict=True))
