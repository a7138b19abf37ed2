"""The doctor on live servers, and its judgement on what servers tell of themselves."""

from collections.abc import Iterator

import pytest

from engine.connection import Connection
from engine.doctor import examine
from engine.durability import Durability
from engine.endpoints import Kind, parse_endpoint
from engine.fitness import (
    Finding,
    Level,
    durability,
    eviction,
    failover,
    kind,
    line,
    quorum,
    room,
    version,
)
from engine.store import Store
from tests.servers import running_server


@pytest.fixture(scope="module")
def sound_url() -> Iterator[str]:
    options = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
    with running_server(options) as url:
        yield url


def bad(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is not Level.OK]


async def test_a_sound_server_has_nothing_to_mend(sound_url: str) -> None:
    findings = await examine(sound_url)
    assert bad(findings) == []
    assert len(findings) == 10
    assert all(finding.mend == "" for finding in findings)


async def test_an_unfit_server_is_refused_with_the_mend(redis_url: str) -> None:
    async with Connection(redis_url) as link:
        await link.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try:
            errors = [f for f in await examine(redis_url) if f.level is Level.ERROR]
        finally:
            await link.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert [error.mend for error in errors] == [
        "set maxmemory-policy noeviction",
        "set appendonly yes, appendfsync always",
    ]


async def test_a_silent_server_is_one_finding() -> None:
    (finding,) = await examine("redis://:secret-word@127.0.0.1:1/0")
    assert finding.level is Level.ERROR
    assert "does not answer" in finding.what
    assert "secret-word" not in str(finding)


async def test_a_wrong_password_is_one_finding(sound_url: str) -> None:
    async with Connection(sound_url) as link:
        await link.command("CONFIG", "SET", "requirepass", "secret-word")
    try:
        (finding,) = await examine(sound_url)
    finally:
        async with Connection(sound_url.replace("unix://", "unix://:secret-word@")) as link:
            await link.command("CONFIG", "SET", "requirepass", "")
    assert finding.level is Level.ERROR
    assert "password" in finding.mend


async def test_partitions_that_differ_are_told(sound_url: str) -> None:
    store = await Store.connect(sound_url, partitions=2)
    try:
        assert bad(await examine(sound_url, partitions=2)) == []
        (finding,) = bad(await examine(sound_url, partitions=4))
        assert finding.mend == "set partitions to 2"
        await store.connection.command("HSET", f"{store.prefix(0)}:ctl", "schema", 99)
        (finding,) = bad(await examine(sound_url))
        assert "schema 99" in finding.what
    finally:
        await store.connection.command("FLUSHALL")
        await store.close()


@pytest.mark.parametrize(
    ("server", "level"),
    [
        ({"redis_version": "7.0.15"}, Level.OK),
        ({"redis_version": "6.2.14"}, Level.ERROR),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, Level.OK),
        ({"redis_version": "7.2.4", "valkey_version": "7.1.0"}, Level.ERROR),
        ({}, Level.ERROR),
    ],
)
def test_versions(server: dict[str, str], level: Level) -> None:
    assert version(server).level is level


@pytest.mark.parametrize(
    ("aof", "fsync", "level"),
    [
        (1, "always", Level.OK),
        (1, "everysec", Level.WARN),
        (1, "no", Level.ERROR),
        (1, "", Level.WARN),
        (0, "always", Level.ERROR),
    ],
)
def test_durability(aof: int, fsync: str, level: Level) -> None:
    assert durability({"aof_enabled": aof}, fsync).level is level


async def test_a_name_without_rights_is_told(sound_url: str) -> None:
    async with Connection(sound_url) as link:
        await link.command("ACL", "SETUSER", "narrow", "on", ">word", "~*", "+ping", "+hello", "+client")
    (finding,) = await examine(sound_url.replace("unix://", "unix://narrow:word@"))
    assert (finding.level, finding.mend[:5]) == (Level.ERROR, "check")


async def test_hidden_settings_are_not_guessed(sound_url: str) -> None:
    async with Connection(sound_url) as link:
        await link.command("ACL", "SETUSER", "managed", "on", ">word", "~*", "+@all", "-config")
    managed = sound_url.replace("unix://", "unix://managed:word@")
    (finding,) = bad(await examine(managed, mode=Durability.FAST))
    assert finding.what == "appendfsync is hidden"


def test_a_full_disk_is_an_error() -> None:
    told = durability({"aof_enabled": 1, "aof_last_write_status": "err"}, "always")
    assert told.level is Level.ERROR


def test_eviction_by_info_where_the_settings_are_hidden() -> None:
    assert eviction({"maxmemory_policy": "noeviction"}, "").level is Level.OK
    assert eviction({"maxmemory_policy": "volatile-lru"}, "").level is Level.ERROR
    assert eviction({}, "").level is Level.WARN


async def test_a_clock_that_is_off_and_a_slow_line_are_told(
    sound_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def past(self: Connection) -> int:
        return 1_000_000

    monkeypatch.setattr(Connection, "server_ms", past)
    monkeypatch.setattr("engine.doctor.LATENCY_WARN_MS", -1.0)
    assert [finding.mend for finding in bad(await examine(sound_url))] == [
        "synchronise both (NTP)",
        "bring the server nearer",
    ]


def test_memory() -> None:
    assert room({"maxmemory": 0, "used_memory": 10}).level is Level.OK
    assert room({"maxmemory": 100, "used_memory": 50}).level is Level.OK
    assert room({"maxmemory": 100, "used_memory": 81}).level is Level.WARN


def test_the_address_must_be_of_the_servers_kind() -> None:
    one, many = parse_endpoint("redis://h"), parse_endpoint("redis+cluster://h")
    assert kind({"redis_mode": "standalone"}, one).level is Level.OK
    assert kind({"redis_mode": "cluster"}, many).level is Level.OK
    assert kind({"server_mode": "cluster"}, one).mend == "write redis+cluster:// in REDIS_URL"
    assert "redis+sentinel://" in kind({"redis_mode": "sentinel"}, one).mend


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("redis://127.0.0.1", Level.OK),
        ("unix:///run/s", Level.OK),
        ("redis://far.test", Level.WARN),
        ("redis+cluster://127.0.0.1,far.test", Level.WARN),
        ("rediss://far.test", Level.OK),
    ],
)
def test_who_can_read_what_travels(url: str, level: Level) -> None:
    assert line(parse_endpoint(url)).level is level


@pytest.mark.parametrize(
    ("where", "mode", "replicas", "levels"),
    [
        (Kind.SINGLE, Durability.SAFE, {"a": 0}, []),
        (Kind.SINGLE, Durability.STRICT, {"a": 0}, [Level.ERROR]),
        (Kind.SINGLE, Durability.STRICT, {"a": 1}, []),
        (Kind.SENTINEL, Durability.SAFE, {"a": 1}, [Level.WARN]),
        (Kind.SENTINEL, Durability.STRICT, {"a": 1}, [Level.OK]),
        (Kind.CLUSTER, Durability.SAFE, {"a": 1, "b": 0}, [Level.WARN, Level.WARN]),
        (Kind.CLUSTER, Durability.STRICT, {"a": 1, "b": 0}, [Level.ERROR]),
    ],
)
def test_what_a_dead_master_means(
    where: Kind, mode: Durability, replicas: dict[str, int], levels: list[Level]
) -> None:
    assert [finding.level for finding in failover(where, mode, replicas)] == levels


def test_sentinels_need_a_majority() -> None:
    assert quorum(Kind.SINGLE, 0) == []
    assert [quorum(Kind.SENTINEL, count)[0].level for count in (1, 2, 3)] == [
        Level.WARN,
        Level.WARN,
        Level.OK,
    ]


@pytest.mark.parametrize(
    ("fsync", "mode", "level"),
    [
        ("everysec", Durability.FAST, Level.WARN),
        ("everysec", Durability.SAFE, Level.WARN),
        ("", Durability.SAFE, Level.OK),
        ("no", Durability.SAFE, Level.ERROR),
        ("always", Durability.STRICT, Level.OK),
    ],
)
def test_a_disk_that_can_be_waited_for(fsync: str, mode: Durability, level: Level) -> None:
    assert durability({"aof_enabled": 1}, fsync, mode, waitaof=True).level is level
