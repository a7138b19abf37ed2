"""An engine in a simulated process: the real store, front door and scripts on a simulated line."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random

from engine.config import EngineConfig
from engine.dispatch import Dispatcher
from engine.front import Engine
from engine.randomness import TOKEN_LENGTH
from engine.script_files import parse_library, read_sources
from engine.scripts import Library
from engine.simulation.host import Host
from engine.simulation.link import SimConnection, SimServer
from engine.store import Store
from engine.store_base import Keeping
from states.machine import JUDGE, Judge

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class DicedRandomness:
    """`engine.ports.Randomness` from a host's dice."""

    dice: Random

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return self.dice.random()

    def token(self) -> str:
        """22 letters, repeatable."""
        return "".join(self.dice.choices(_LETTERS, k=TOKEN_LENGTH))


class Scripts(Library):
    """A library whose texts are composed once: every simulated process begins with all of them."""

    @cached_property
    def _singles(self) -> dict[str, str]:
        return {name: super(Scripts, self).single(name) for name in self.verbs}

    @cached_property
    def _whole(self) -> str:
        return super().batch()

    @cached_property
    def _hot(self) -> str:
        return super().hot_batch()

    def single(self, verb: str) -> str:
        """The script of one verb."""
        return self._singles[verb]

    def batch(self) -> str:
        """The script that runs several calls."""
        return self._whole

    def hot_batch(self) -> str:
        """The script that runs several everyday calls."""
        return self._hot


@lru_cache(maxsize=8)
def scripts(*changes: tuple[str, str, str]) -> Scripts:
    """The engine's scripts, with (file, old text, new text) changed: how a bug is planted.

    Raises ValueError when a text to be changed is not there (any more).
    """
    sources = read_sources()
    for file, old, new in changes:
        if old not in sources[file]:
            raise ValueError(f"{file} has no {old!r} to plant a bug in")
        sources[file] = sources[file].replace(old, new)
    return Scripts(parse_library(sources).verbs)


async def open_simulated(
    server: SimServer, host: Host, config: EngineConfig, library: Library, judge: Judge = JUDGE
) -> Engine:
    """The front door of a simulated process. Raises StoreUnavailable."""
    link = SimConnection(server, host)
    keeping = Keeping(config.retention_s * 1000, config.idem_s * 1000, config.feed_s * 1000)
    store = Store(link, host, DicedRandomness(host.dice), config.partitions, keeping)  # type: ignore[arg-type]
    store.dispatcher = Dispatcher(link, verbs=library)  # type: ignore[arg-type]
    await store.dispatcher.load()
    await store._open()  # noqa: SLF001 - what Store.connect does with a connection of its own
    engine = Engine(store, config, judge)
    await engine.open()
    return engine
