"""A fresh server for each measurement, with the append-only file as asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
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


async def emptied(url: str, aof: str) -> None:
    """Make a server that was named by hand ready for a run. Raises Trouble when it holds anything."""
    async with Connection(url) as connection:
        if await connection.keyless("DBSIZE"):
            raise Trouble("The server named with --redis holds keys: a benchmark wants an empty one of its own.")
        for name, value in (("appendonly", "yes"), ("appendfsync", aof)):
            try:
                await connection.keyless("CONFIG", "SET", name, value)
            except ScriptFailed as error:
                raise Trouble(f"The server refuses CONFIG SET {name} ({error}).") from None


async def clear(url: str) -> None:
    """Forget what a run left on a server that was found empty."""
    async with Connection(url) as connection:
        await connection.keyless("FLUSHALL")
