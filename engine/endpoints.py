"""Addresses of a store: what REDIS_URL may say, read into one frozen value.

    redis://[user:password@]host[:6379][/db]              one server; rediss:// the same by TLS
    unix://[user:password@]/path/to/socket[?db=0]         one server on this machine
    redis+cluster://[user:password@]host[:port][,host…]   a cluster, by any of its nodes; rediss+cluster://
    redis+sentinel://[user:password@]host[:26379][,host…]/service[/db]   sentinels; rediss+sentinel://

After a `?`: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (files), `ssl_check_hostname=no`,
`sentinel_username`, `sentinel_password`. Signs such as @ : / ? # in a name or password are written %40 etc.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from engine.errors import EngineError

PORT: Final = 6379
SENTINEL_PORT: Final = 26379
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS: Final = (*_FILES, "ssl_check_hostname")
_SENTINEL_OPTIONS: Final = ("sentinel_username", "sentinel_password")
_YES_NO: Final = {"yes": True, "true": True, "no": False, "false": False}


class AddressWrong(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """REDIS_URL cannot be used. `why` is a predicate with the mend; nothing of the address is quoted."""

    def __init__(self, why: str) -> None:
        super().__init__(f"REDIS_URL {why}.")
        self.why = why


class Kind(StrEnum):
    """How the server that takes our writes is found."""

    SINGLE = "single"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a store is and how to enter. Passwords are never shown."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    """One server, nodes of a cluster, or sentinels."""
    path: str = ""
    """The unix socket, when there is one."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    service: str = ""
    """The name under which the sentinels know the master."""
    tls: Mapping[str, Any] | None = None
    """The driver's `ssl_…` options, None without TLS."""
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """For people: how and where, without names and passwords."""
        places = self.path or ", ".join(f"{host}:{port}" for host, port in self.hosts)
        how = {Kind.SINGLE: "", Kind.CLUSTER: "a cluster by ", Kind.SENTINEL: f"{self.service} by sentinels "}
        return f"{how[self.kind]}{places}{' with TLS' if self.tls is not None else ''}"

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine."""
        return bool(self.path) or all(host in ("localhost", "::1") or _loops(host) for host, _ in self.hosts)


def _loops(host: str) -> bool:
    return host.startswith("127.")


def parse_endpoint(url: str) -> Endpoint:
    """Read an address. Raises AddressWrong."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AddressWrong("has a [ or ] out of place: write %5B and %5D in a password") from None
    if parts.fragment:
        raise AddressWrong("has a # in it: write %23 in a password")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme == "unix":
        return _socket(parts, options)
    base, _, way = parts.scheme.partition("+")
    if base not in ("redis", "rediss") or way not in ("", "cluster", "sentinel"):
        raise AddressWrong(
            "must begin with redis://, rediss:// (TLS), unix://, redis+cluster:// or redis+sentinel://"
        )
    kind = Kind(way or "single")
    known = (*(_TLS_OPTIONS if base == "rediss" else ()), *(_SENTINEL_OPTIONS * (kind is Kind.SENTINEL)))
    _check_options(options, known)
    username, password = _credentials(parts.netloc)
    service, db = _path(parts.path, kind)
    return Endpoint(
        kind,
        _hosts(parts.netloc.rpartition("@")[2], kind),
        username=username,
        password=password,
        db=db,
        service=service,
        tls=_tls(options) if base == "rediss" else None,
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
    )


def _socket(parts: SplitResult, options: Mapping[str, str]) -> Endpoint:
    if not parts.path.startswith("/") or (parts.netloc and not parts.netloc.endswith("@")):
        raise AddressWrong("names no socket: write unix:///path/to/socket")
    _check_options(options, ("db",))
    username, password = _credentials(parts.netloc)
    return Endpoint(
        Kind.SINGLE,
        path=unquote(parts.path),
        username=username,
        password=password,
        db=_number(options.get("db", "0"), "a database number"),
    )


def _check_options(options: Mapping[str, str], known: tuple[str, ...]) -> None:
    for name in options:
        if name not in known:
            which = f"only {', '.join(known)} may follow the ?" if known else "nothing may follow a ?"
            tls = " (TLS needs rediss)" if name.startswith("ssl_") else ""
            raise AddressWrong(f"has an option that does not belong there: {which}{tls}")


def _credentials(netloc: str) -> tuple[str | None, str | None]:
    before, sign, _ = netloc.rpartition("@")
    if not sign:
        return None, None
    name, _, password = before.partition(":")
    return unquote(name) or None, unquote(password) or None


def _hosts(text: str, kind: Kind) -> tuple[tuple[str, int], ...]:
    words = text.split(",")
    if kind is Kind.SINGLE and len(words) > 1:
        raise AddressWrong("names several hosts: write redis+cluster:// or redis+sentinel:// before them")
    return tuple(_host(word.strip(), SENTINEL_PORT if kind is Kind.SENTINEL else PORT) for word in words)


def _host(word: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{word}")
        host, found = parts.hostname, parts.port
    except ValueError:
        raise AddressWrong("has a port that is no number from 1 to 65535") from None
    if not host:
        raise AddressWrong("names no host: write for example redis://host:6379/0")
    return host, port if found is None else found


def _path(path: str, kind: Kind) -> tuple[str, int]:
    """Service and database."""
    words = [unquote(word) for word in path.strip("/").split("/") if word]
    service = ""
    if kind is Kind.SENTINEL:
        if not words:
            raise AddressWrong("names no service: write redis+sentinel://host:26379/service/0")
        service, *words = words
    if len(words) > 1:
        raise AddressWrong("has too many / in it: after the hosts come the service of sentinels and the db")
    db = _number(words[0], "a database number after the last /") if words else 0
    if db and kind is Kind.CLUSTER:
        raise AddressWrong("names a database, but a cluster has only database 0: leave it out")
    return service, db


def _number(word: str, what: str) -> int:
    if not word.isdecimal():
        raise AddressWrong(f"needs {what}, 0 as a rule")
    return int(word)


def _tls(options: Mapping[str, str]) -> Mapping[str, Any]:
    """Certificates are always verified; only the name in them may be left unread."""
    found: dict[str, Any] = {}
    for name in _FILES:
        if name in options:
            if not Path(options[name]).is_file():
                raise AddressWrong(f"names a file for {name} that is not there")
            found[name] = options[name]
    if "ssl_keyfile" in found and "ssl_certfile" not in found:
        raise AddressWrong("has ssl_keyfile without ssl_certfile: give both")
    check = options.get("ssl_check_hostname", "yes").lower()
    if check not in _YES_NO:
        raise AddressWrong("has ssl_check_hostname that is neither yes nor no")
    return found | {"ssl_check_hostname": _YES_NO[check]}
