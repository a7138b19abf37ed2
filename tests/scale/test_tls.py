"""TLS and the narrow user on real servers of each kind. Valkey out of its wheel has no TLS, Redis has."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.doctor import examine
from engine.durability import Durability
from engine.errors import StoreMismatch
from engine.fitness import Level
from engine.front import Engine
from engine.randomness import SeededRandomness
from engine.rights import sentinel_line, service_line
from engine.store import Store
from states.vocabulary import State
from tests.certificates import MISSING, OPENSSL, Certificates, make_certificates
from tests.engine.fakes import USER as USER_ID
from tests.engine.fakes import World
from tests.fleet import HOST, SERVICE, Node, linked, running_cluster, until
from tests.scale.conftest import needs_redis
from tests.scale.test_cluster_run import SURE
from tests.servers import free_port

pytestmark = [needs_redis, pytest.mark.skipif(OPENSSL is None, reason=MISSING)]
USER = service_line("reel").replace("PASSWORD", "word").replace("+waitaof", "+config|get").split()
WATCHER = sentinel_line("eye").replace("PASSWORD", "look").split()


@pytest.fixture(autouse=True)
def _redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSTATE_TEST_SERVER", "redis")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


def tls(made: Certificates) -> Callable[[], list[str]]:
    """Options of a node that wants a certificate of each client, with a port of its own for them."""
    certificate, key = made.pair("server")
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    files += ["--tls-ca-cert-file", str(made.authority), "--tls-auth-clients", "yes"]
    files += ["--tls-replication", "yes"]
    return lambda: [*files, "--tls-port", str(free_port())]


def tls_port(node: Node) -> int:
    return int(node.ask("CONFIG", "GET", "tls-port").split()[1])


@pytest.fixture
def one(made: Certificates) -> Iterator[str]:
    """One server."""
    node = Node(*SURE, *tls(made)())
    try:
        node.start()
        node.ask(*USER)
        yield f"rediss://reel:word@{HOST}:{tls_port(node)}/0{made.query}"
    finally:
        node.remove()


@pytest.fixture
def cluster(made: Certificates) -> Iterator[str]:
    """Three masters and their replicas."""
    with running_cluster(*SURE, "--tls-cluster", "yes", own=tls(made)) as nodes:
        for node in nodes.nodes:
            node.ask(*USER)
        places = ",".join(f"{HOST}:{tls_port(node)}" for node in nodes.nodes)
        yield f"rediss+cluster://reel:word@{places}{made.query}"


@pytest.fixture
def watched(made: Certificates) -> Iterator[str]:
    """A master, its replica and a sentinel with a password."""
    with ExitStack() as stack:
        nodes = [Node(*SURE, *tls(made)()) for _ in range(2)]
        how = tls(made)()
        eye = Node(*how, sentinel=True)
        for node in (*nodes, eye):
            stack.callback(node.remove)
            node.start()
        master, replica = nodes
        for node in nodes:
            node.ask(*USER)
        replica.ask("REPLICAOF", HOST, tls_port(master))
        until(lambda: linked(replica), "the replica follows")
        eye.ask("SENTINEL", "MONITOR", SERVICE, HOST, tls_port(master), 1)
        eye.ask(*WATCHER)
        query = f"{made.query}&sentinel_username=eye&sentinel_password=look"
        yield f"rediss+sentinel://reel:word@{HOST}:{how[-1]}/{SERVICE}/0{query}"


@pytest.mark.parametrize("where", ["one", "cluster", "watched"])
async def test_a_life_by_tls_with_the_narrow_user(
    where: str, request: pytest.FixtureRequest, clock: ManualClock, randomness: SeededRandomness
) -> None:
    url = str(request.getfixturevalue(where))
    mode = Durability.SAFE if where == "one" else Durability.STRICT
    config = EngineConfig(partitions=16, durability=mode)
    engine = await Engine.connect(url, config, clock=clock, randomness=randomness)
    try:
        world = World(engine, clock)
        job = await world.launched()
        partition = engine.store.partition_of_user(USER_ID)
        claim = await engine.store.claim("w1", partition=partition, lease_ms=15_000, queued_ok=True)
        assert claim.job is not None
        worker = world.worker()
        worker.leases.hold(claim.job, claim.asked_ms)
        await worker.executor.carry(claim.job, lost=None)
        assert (await world.job(job.id)).state is not State.QUEUED
        await engine.store.ring(0)
        assert await engine.store.wait(0, clock.now_ms() + 60_000)
        assert await engine.events("0", 0.01)
    finally:
        await engine.close()
    found = await examine(url, 16, mode)
    assert [finding.what for finding in found if finding.level is Level.ERROR] == []
    assert any("encrypted" in finding.what for finding in found)
    with pytest.raises(StoreMismatch, match="refused our credentials"):
        await Store.connect(url.replace("reel:word@", "reel:wrong@"))
