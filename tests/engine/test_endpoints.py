from pathlib import Path

import pytest

from engine.endpoints import AddressWrong, Endpoint, Kind, parse_endpoint


def test_one_server() -> None:
    assert parse_endpoint("redis://localhost") == Endpoint(Kind.SINGLE, (("localhost", 6379),))
    found = parse_endpoint("redis://us%40er:p%2Fw%3A@[::1]:7000/3")
    assert (found.hosts, found.username, found.password, found.db) == ((("::1", 7000),), "us@er", "p/w:", 3)
    assert found.tls is None
    assert found.local


def test_a_socket() -> None:
    found = parse_endpoint("unix://:secret-word@/run/redis%20x/s?db=2")
    assert (found.path, found.username, found.password, found.db) == (
        "/run/redis x/s",
        None,
        "secret-word",
        2,
    )
    assert found.local


def test_a_cluster() -> None:
    found = parse_endpoint("redis+cluster://a:7000,b,c:7002/")
    assert (found.kind, found.hosts) == (Kind.CLUSTER, (("a", 7000), ("b", 6379), ("c", 7002)))
    assert found.shown == "a cluster by a:7000, b:6379, c:7002"
    assert not found.local


def test_sentinels() -> None:
    found = parse_endpoint("redis+sentinel://u:p@a,b:26380/reel/1?sentinel_username=s&sentinel_password=w%26")
    assert (found.kind, found.hosts) == (Kind.SENTINEL, (("a", 26379), ("b", 26380)))
    assert (found.service, found.db, found.username, found.password) == ("reel", 1, "u", "p")
    assert (found.sentinel_username, found.sentinel_password) == ("s", "w&")
    assert found.shown == "reel by sentinels a:26379, b:26380"


@pytest.mark.parametrize("scheme", ["rediss://h", "rediss+cluster://h", "rediss+sentinel://h/s"])
def test_tls_goes_with_each(scheme: str, tmp_path: Path) -> None:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_text("pem")
    options = f"ssl_ca_certs={tmp_path}/ca&ssl_certfile={tmp_path}/crt&ssl_keyfile={tmp_path}/key"
    found = parse_endpoint(f"{scheme}?{options}&ssl_check_hostname=no")
    assert found.tls == {
        "ssl_ca_certs": f"{tmp_path}/ca",
        "ssl_certfile": f"{tmp_path}/crt",
        "ssl_keyfile": f"{tmp_path}/key",
        "ssl_check_hostname": False,
    }
    assert found.shown.endswith(" with TLS")
    assert parse_endpoint(scheme).tls == {"ssl_check_hostname": True}


def test_no_password_is_shown() -> None:
    found = parse_endpoint("redis+sentinel://u:pw-one@h/s?sentinel_password=pw-two")
    for text in (repr(found), found.shown):
        assert "pw-" not in text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("localhost:6379", "must begin with redis://"),
        ("http://h", "must begin with redis://"),
        ("redis+ring://h", "must begin with redis://"),
        ("redis://", "names no host"),
        ("redis+cluster://a,,b", "names no host"),
        ("redis://a,b", "names several hosts"),
        ("redis://h:port", "has a port that is no number"),
        ("redis://h:70000", "has a port that is no number"),
        ("redis://:pw[word@h", r"has a \[ or \] out of place"),
        ("redis://:pw#word@h", "has a # in it"),
        ("redis://h/one", "needs a database number"),
        ("redis://h/0/1", "has too many /"),
        ("redis+cluster://h/1", "names a database, but a cluster has only database 0"),
        ("redis+sentinel://h", "names no service"),
        ("redis+sentinel://h/s/x", "needs a database number"),
        ("unix://run/s", "names no socket"),
        ("unix://", "names no socket"),
        ("unix:///s?db=a", "needs a database number"),
        ("redis://h?ssl_ca_certs=/x", r"option that does not belong there.*TLS needs rediss"),
        ("redis://h?socket_timeout=1", "option that does not belong there: nothing may follow"),
        ("rediss://h?sentinel_password=x", "only ssl_ca_certs"),
        ("rediss://h?ssl_ca_certs=/no/such/file", "names a file for ssl_ca_certs that is not there"),
        (f"rediss://h?ssl_keyfile={__file__}", "has ssl_keyfile without ssl_certfile"),
        ("rediss://h?ssl_check_hostname=perhaps", "neither yes nor no"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(url: str, why: str) -> None:
    with pytest.raises(AddressWrong, match=why) as caught:
        parse_endpoint(url)
    text = str(caught.value)
    assert text.startswith("REDIS_URL ")
    assert text.endswith(".")
    assert "word" not in text.replace("password", "")
