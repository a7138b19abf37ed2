"""/delete on many machines: each drops its own copy of a film, also one that was away meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.wiring.forgetting import EVERY_S, Forgetting
from engine.erasure import FILMS_MS
from engine.errors import StoreUnavailable
from engine.store import Store
from tests.engine.fakes import FILM, USER, World, make_world


class Machine:
    """A folder of films, as a worker's library keeps them."""

    def __init__(self, folder: Path, *films: str) -> None:
        self.folder = folder
        folder.mkdir()
        for film in films:
            (folder / film).touch()

    async def drop(self, films: Sequence[str]) -> None:
        for film in films:
            (self.folder / film).unlink(missing_ok=True)

    @property
    def films(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
async def world(store: Store) -> World:
    world = await make_world(store)
    await world.launched()
    await world.go(world.worker())
    await world.later(30, world.worker())
    return world


async def test_every_machine_drops_its_copy_and_keeps_the_others_films(world: World, tmp_path: Path) -> None:
    machines = [Machine(tmp_path / name, FILM, "cd" * 32) for name in ("a", "b")]
    forgetting = [Forgetting(world.engine, machine.drop, world.telemetry) for machine in machines]
    for each in forgetting:
        await each.tick()
    assert [machine.films for machine in machines] == [{FILM, "cd" * 32}] * 2
    world.clock.advance(3600)
    await world.engine.erase(USER)
    world.clock.advance(EVERY_S)
    for each in forgetting:
        await each.tick()
    assert [machine.films for machine in machines] == [{"cd" * 32}] * 2


async def test_a_machine_that_was_away_catches_up_at_its_start(world: World, tmp_path: Path) -> None:
    await world.engine.erase(USER)
    await world.engine.erase(USER)
    world.clock.advance(FILMS_MS / 1000 - 3600)
    machine = Machine(tmp_path / "late", FILM)
    await Forgetting(world.engine, machine.drop, world.telemetry).tick()
    assert machine.films == set()


async def test_what_is_noted_is_noted_once_and_not_for_ever(world: World) -> None:
    await world.engine.erase(USER)
    await world.engine.erase(USER)
    assert await world.engine.erased_films(0) == (FILM,)
    assert await world.engine.erased_films(world.clock.now_ms() + 1) == ()
    left_ms = await world.store.connection.command("PTTL", "{1768}:er")
    assert 0 < left_ms <= FILMS_MS


async def test_it_goes_on_when_the_store_was_away(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, real, looks = Machine(tmp_path / "a", FILM), world.engine.erased_films, [0]
    dropped = asyncio.Event()

    async def shaky(since_ms: int) -> tuple[str, ...]:
        looks[0] += 1
        if looks[0] == 1:
            raise StoreUnavailable("away")
        return await real(since_ms)

    async def drop(films: Sequence[str]) -> None:
        await machine.drop(films)
        dropped.set()

    monkeypatch.setattr(world.engine, "erased_films", shaky)
    await world.engine.erase(USER)
    running = asyncio.create_task(Forgetting(world.engine, drop, world.telemetry).run())
    await world.seen.until("store.lost")
    world.clock.advance(EVERY_S)
    async with asyncio.timeout(60):  # against a hang
        await dropped.wait()
    running.cancel()
    await asyncio.wait({running})
    assert machine.films == set()
