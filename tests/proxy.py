"""TCP proxies: one loses answers (the server acts, its caller never hears), one stalls a replica's link."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlparse


class LossyProxy:
    """Stands between client and server. `lose()` is asked for each answer: True cuts the link instead."""

    def __init__(self, server_path: str, lose: Callable[[], bool]) -> None:
        self._path = server_path
        self._lose = lose
        self._tasks: set[asyncio.Task[None]] = set()
        self.lost = 0
        self.url = ""
        self.down = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        if self.down:
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(self._path)
        for source, sink, lossy in ((reader, server_writer, False), (server_reader, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, (writer, server_writer), lossy=lossy))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        *,
        lossy: bool,
    ) -> None:
        try:
            while data := await source.read(65536):
                if lossy and self._lose():
                    self.lost += 1
                    return
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            for writer in both:
                writer.close()

    async def stop(self) -> None:
        """End all links."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def lossy_proxy(redis_url: str, lose: Callable[[], bool]) -> AsyncIterator[LossyProxy]:
    """A proxy in front of a server on a unix socket."""
    proxy = LossyProxy(urlparse(redis_url).path, lose)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
        await server.wait_closed()


class StallingLink:
    """Between a master and its replica: what the master sends may be held back, while the link stays up."""

    def __init__(self, master_port: int) -> None:
        self._master_port = master_port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def stall(self) -> None:
        """From now on nothing reaches the replica any more."""
        self._open.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The replica has come."""
        try:
            from_master, to_master = await asyncio.open_connection("127.0.0.1", self._master_port)
        except OSError:  # the master is dead: so is the link
            writer.close()
            return
        for source, sink, held in ((reader, to_master, False), (from_master, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, held=held))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, held: bool) -> None:
        try:
            while data := await source.read(65536):
                if held:
                    await self._open.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            sink.close()

    async def stop(self) -> None:
        """End all links; what was held back is lost."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def stalling_link(master_port: int) -> AsyncIterator[StallingLink]:
    """A link that a replica may follow its master by."""
    link = StallingLink(master_port)
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        await link.stop()
        await server.wait_closed()
