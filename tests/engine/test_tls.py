"""TLS to a server: what does not fit is one sentence with the mend, and is not tried for ever."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlparse

import pytest

from engine.connection import Connection
from engine.doctor import examine
from engine.errors import StoreMismatch
from engine.fitness import Level
from engine.store import Store
from tests.certificates import MISSING, OPENSSL, Certificates, make_certificates

pytestmark = pytest.mark.skipif(OPENSSL is None, reason=MISSING)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def tls_before(path: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Speaks TLS and passes on to a unix socket (the embedded Valkey speaks none); host:port."""
    pumps: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            return
        finally:
            sink.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_unix_connection(path)
        for pair in ((reader, behind_writer), (behind_reader, writer)):
            task = asyncio.create_task(pump(*pair))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(pumps):
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await server.wait_closed()


def serving(made: Certificates, name: str = "server", *, wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made.pair(name))
    if wants_client:
        context.load_verify_locations(made.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def told(url: str) -> str:
    """Why a store at this address is refused, by the store and by the doctor."""
    with pytest.raises(StoreMismatch) as caught:
        await Store.connect(url)
    (finding,) = await examine(url)
    assert finding.level is Level.ERROR
    assert f"{finding.what}: {finding.mend}" == str(caught.value)
    return str(caught.value)


async def test_a_store_behind_tls(redis_url: str, made: Certificates) -> None:
    async with tls_before(urlparse(redis_url).path, serving(made, wants_client=True)) as place:
        store = await Store.connect(f"rediss://{place}/0{made.query}")
        waiting = asyncio.create_task(store.wait(0, store.clock.now_ms() + 60_000))
        await store.ring(0)
        assert await waiting
        await store.close()


async def test_a_certificate_nobody_vouches_for(redis_url: str, made: Certificates) -> None:
    async with tls_before(urlparse(redis_url).path, serving(made)) as place:
        assert "is not trusted" in (said := await told(f"rediss://{place}"))
        assert "name its authority by ssl_ca_certs" in said


async def test_a_certificate_of_another_name(redis_url: str, made: Certificates) -> None:
    async with tls_before(urlparse(redis_url).path, serving(made, "elsewhere")) as place:
        url = f"rediss://{place}?ssl_ca_certs={made.authority}"
        assert "is for another name" in await told(url)
        async with Connection(f"{url}&ssl_check_hostname=no") as link:
            assert await link.command("PING")


async def test_a_server_that_wants_our_certificate(redis_url: str, made: Certificates) -> None:
    async with tls_before(urlparse(redis_url).path, serving(made, wants_client=True)) as place:
        # the driver hears only that the link was closed, so this is a hint and no diagnosis
        (finding,) = await examine(f"rediss://{place}?ssl_ca_certs={made.authority}")
        assert "want a certificate of ours: ssl_certfile, ssl_keyfile" in finding.mend


async def test_a_server_without_tls(made: Certificates) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"-ERR unknown command\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert "does not speak TLS" in await told(f"rediss://{place}?ssl_ca_certs={made.authority}")
