"""A TCP proxy with weather, drawn from a seed: requests get lost, come late, come twice; answers are cut.

What comes twice comes by a link of its own, at once or many requests later, as a copy that was stuck
somewhere: the server does it again, and nobody hears its answer.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlparse

from tests.proxy import LossyProxy


@dataclass
class Weather:
    """What happens to requests and answers. `seen` counts it, `scripts` keeps every script call that came."""

    seed: int
    rage: float = 1.0
    seen: Counter[str] = field(default_factory=Counter)
    scripts: list[bytes] = field(default_factory=list)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Dice of its own."""
        self._dice = random.Random(self.seed)

    def draws(self, what: str, chance: float) -> bool:
        """Does it happen now?"""
        happens = self._dice.random() < chance * self.rage
        self.seen[what] += happens
        return happens

    def turns(self) -> int:
        """How long something is late, in turns of the loop."""
        return self._dice.randrange(1, 40)


class WeatherProxy(LossyProxy):
    """A proxy under a sky."""

    def __init__(self, server_path: str, weather: Weather) -> None:
        super().__init__(server_path, lambda: False)
        self._weather = weather

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        *,
        lossy: bool,
    ) -> None:
        try:
            await (self._answers(source, sink) if lossy else self._requests(source, sink))
        except ConnectionError:
            return
        finally:
            for writer in both:
                writer.close()

    async def _answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        weather = self._weather
        while data := await source.read(65536):
            if weather.draws("answers lost", 0.12):
                return
            if weather.draws("answers late", 0.25):
                await _turns(weather.turns())
            if weather.draws("answers cut", 0.12):
                sink.write(data[: len(data) // 2])
                await sink.drain()
                return
            sink.write(data)
            await sink.drain()

    async def _requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        weather, rest = self._weather, b""
        while data := await source.read(65536):
            *requests, rest = split(rest + data)
            for request in requests:
                if b"EVALSHA" in request[:32]:
                    weather.scripts.append(request)
                    if weather.draws("requests twice", 0.25):
                        self._again(request)
                if weather.draws("requests lost", 0.12):
                    return
                if weather.draws("requests late", 0.25):
                    await _turns(weather.turns())
                sink.write(request)
                await sink.drain()

    def _again(self, request: bytes) -> None:
        task = asyncio.create_task(self._copy(request, self._weather.turns() * self._weather.turns()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _copy(self, request: bytes, turns: int) -> None:
        await _turns(turns)
        await send(self._path, [request])


async def send(path: str, requests: list[bytes]) -> None:
    """Requests by a link of their own; each is answered before the next, and nobody cares how."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        for request in requests:
            writer.write(request)
        writer.write(b"*1\r\n$4\r\nQUIT\r\n")
        await reader.read()
    finally:
        writer.close()


def split(data: bytes) -> Iterator[bytes]:
    """The whole requests in some bytes, and last what is left of them."""
    start = 0
    while (end := _end(data, start)) is not None:
        yield data[start:end]
        start = end
    yield data[start:]


def _end(data: bytes, start: int) -> int | None:
    """Where the request that begins there ends; None: not here yet."""
    at = data.find(b"\r\n", start)
    if at < 0:
        return None
    words, at = int(data[start + 1 : at]), at + 2
    for _ in range(words):
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        at = line + 2 + int(data[at + 1 : line]) + 2
        if at > len(data):
            return None
    return at


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def under(redis_url: str, weather: Weather) -> AsyncIterator[WeatherProxy]:
    """A proxy in front of a server on a unix socket."""
    proxy = WeatherProxy(urlparse(redis_url).path, weather)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
        await server.wait_closed()
