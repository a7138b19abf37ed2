"""A fresh server for each measurement, with the append-only file as asked for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.embedded import EmbeddedConfig, EmbeddedServer, Sync
from engine.bench.meter import clear, prepare


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

    Raises NotFit.
    """
    if not redis_url:
        with fresh_server(aof, port=port) as url:
            yield url
        return
    await prepare(redis_url, aof)
    try:
        yield redis_url
    finally:
        await clear(redis_url)
