"""A fresh server for each measurement, with the append-only file as asked for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.embedded import EmbeddedConfig, EmbeddedServer, Sync
from bot.wiring.running import Trouble
from engine.connection import Connection
from engine.errors import ScriptFailed


@contextmanager
def fresh_server(aof: str, *, port: bool = False) -> Iterator[str]:
    """The URL of an empty embedded server, gone with the context. `port`: on TCP, for others' clients."""
    with TemporaryDirectory(prefix="reelbench") as folder:
        config = EmbeddedConfig(Path(folder), sync=Sync(aof), port=0 if port else None)
        with EmbeddedServer(config) as server:
            yield server.url


@asynccontextmanager
async def ground(redis_url: str, aof: str, *, port: bool = False) -> AsyncIterator[str]:
    """Where one run takes place: an own server, or the one named by hand, which must be empty and is emptied.

    Raises Trouble.
    """
    if not redis_url:
        with fresh_server(aof, port=port) as url:
            yield url
        return
    async with Connection(redis_url) as connection:
        await _check(connection, aof)
        try:
            yield redis_url
        finally:
            await connection.keyless("FLUSHALL")


async def _check(connection: Connection, aof: str) -> None:
    if await connection.keyless("DBSIZE"):
        raise Trouble("The server named with --redis holds keys: a benchmark wants an empty one of its own.")
    for name, value in (("appendonly", "yes"), ("appendfsync", aof)):
        try:
            await connection.keyless("CONFIG SET", name, value)
        except ScriptFailed as error:
            raise Trouble(f"The server refuses CONFIG SET {name} ({error}).") from None
