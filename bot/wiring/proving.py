"""Where `reelstate check` finds a store: the live one, a dump, or a copy of a data directory.

What is not live is served by an embedded Valkey of its own in a temporary folder, so that it is proved by
the very same scripts and nothing of the original is touched.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters.embedded import EmbeddedConfig, EmbeddedServer, Sync
from bot.settings import Settings
from bot.wiring.running import Trouble
from engine.check.dump import DumpBroken, Dumped, load_dump
from engine.connection import Connection

AOF: Final = "appendonlydir"
RDB: Final = "dump.rdb"
_BASE: Final = "appendonly.aof.1.base.rdb"


@asynccontextmanager
async def live_store(settings: Settings) -> AsyncIterator[str]:
    """The address of the store this installation uses; the embedded server is started unless it runs."""
    if not settings.embedded:
        yield settings.redis_url.get_secret_value()
        return
    with EmbeddedServer(EmbeddedConfig(settings.data_dir / "valkey", attach=True)) as server:
        yield server.url


@asynccontextmanager
async def dumped_store(path: Path, watch: Callable[[int], None]) -> AsyncIterator[tuple[str, Dumped]]:
    """A server with a dump in it, for as long as the block runs. Raises Trouble."""
    with TemporaryDirectory(prefix="reel") as folder, _server(Path(folder)) as url:
        async with Connection(url) as connection:
            try:
                dumped = await load_dump(connection, path, watch)
            except DumpBroken as error:
                raise Trouble(str(error)) from None
            except OSError as error:
                raise Trouble(f"Cannot read {path}: {error.strerror or error}.") from error
        yield url, dumped


@contextmanager
def copied_store(source: Path) -> Iterator[str]:
    """A server on a copy of a Redis or Valkey data directory, for as long as the block runs.

    Takes the append-only files when there are any, else the snapshot. Raises Trouble.
    """
    found = next((place for place in (source, source / "valkey") if _has_data(place)), None)
    if found is None:
        raise Trouble(f"{source} holds neither {AOF}/ nor {RDB}: name the server's data directory.")
    with TemporaryDirectory(prefix="reel") as folder:
        try:
            _copy(found, Path(folder) / AOF)
        except (OSError, shutil.Error) as error:
            raise Trouble(f"Cannot copy {found} ({error}): try again, or stop its server first.") from error
        with _server(Path(folder)) as url:
            yield url


def _has_data(place: Path) -> bool:
    return (place / AOF).is_dir() or (place / RDB).is_file()


def _copy(source: Path, target: Path) -> None:
    if (source / AOF).is_dir():
        shutil.copytree(source / AOF, target)
        return
    target.mkdir()
    shutil.copy2(source / RDB, target / _BASE)
    manifest = f"file {_BASE} seq 1 type b\n"
    (target / "appendonly.aof.manifest").write_text(manifest, encoding="ascii")


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    with EmbeddedServer(EmbeddedConfig(folder, sync=Sync.NO)) as server:
        yield server.url
