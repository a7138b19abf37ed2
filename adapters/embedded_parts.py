"""Small parts of the embedded server: its address, locks that die with their holder, private files."""

import fcntl
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

JEMALLOC = "libjemalloc.so.2"
"""The wheel's binary has the C library's allocator. In a heap that a million values have been through, that
one takes twice as long for the small objects of scripts; this one does not, and is faster in any case."""
TICK_S = 0.01
"""How often a starting or stopping server is looked at; it is up after about 40 ms."""


@dataclass(slots=True)
class Address:
    """Where a server listens: a unix socket, or a loopback port with a password."""

    path: str = ""
    port: int = 0
    password: str = ""
    pid: int = 0

    @property
    def url(self) -> str:
        """For the store's connection; holds the password."""
        return f"unix://{self.path}" if self.path else f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def place(self) -> str:
        """Fit for showing."""
        return self.path or f"127.0.0.1:{self.port}"

    def record(self) -> dict[str, str | int]:
        """What the next start needs to find this server; the password has its own file."""
        return {"pid": self.pid, "path": self.path, "port": self.port}

    def answers(self) -> bool:
        """True when the server answers PING (not while it still loads its file)."""
        try:
            return self.call("PING").startswith(b"+PONG")
        except OSError:
            return False

    def call(self, *words: str) -> bytes:
        """Send one command, return the first line of the answer. Raises `OSError` when nobody listens."""
        family, where = (
            (socket.AF_UNIX, self.path) if self.path else (socket.AF_INET, ("127.0.0.1", self.port))
        )
        with socket.socket(family, socket.SOCK_STREAM) as link:
            link.settimeout(1.0)
            link.connect(where)
            stream = link.makefile("rwb")
            for command in ([("AUTH", self.password)] if self.password else []) + [words]:
                stream.write(_encode(command))
                stream.flush()
                answer = stream.readline()
            return answer


def _encode(words: tuple[str, ...]) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    parts += [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"".join(parts)


def try_lock(file: Path) -> int | None:
    """An open, locked file; None when somebody else holds the lock."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def write_private(file: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    draft = file.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(file)


def free_port() -> int:
    """A loopback port that was free a moment ago; the caller copes with a lost race."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawned(command: Sequence[str], held: int) -> "subprocess.Popen[bytes]":
    """A server that reads its settings from stdin, keeps the `held` file, and takes jemalloc where the system
    has it: the loader skips what it does not find.
    """
    before = os.environ.get("LD_PRELOAD")
    return subprocess.Popen(  # noqa: S603 - our own binary, no shell
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LD_PRELOAD": f"{before}:{JEMALLOC}" if before else JEMALLOC},
        pass_fds=(held,),
        start_new_session=True,  # Ctrl-C is for us: the server must outlive our draining
    )


@contextmanager
def gone_if_broken_off(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A start that fails or is interrupted leaves no process behind."""
    try:
        yield
    except BaseException:  # Ctrl-C too
        process.kill()
        process.wait()
        raise


def answers_or_dies(process: "subprocess.Popen[bytes]", address: Address, within_s: float) -> bool:
    """Wait for the first PONG, or for the process to end, whichever comes first."""
    for _ in range(int(within_s / TICK_S)):
        try:
            process.wait(TICK_S)
        except subprocess.TimeoutExpired:
            if address.answers():
                return True
        else:
            return False
    return False


def eventually(test: Callable[[], bool], within_s: float) -> bool:
    """True as soon as the test is, False when the time is over."""
    pause = threading.Event()
    for _ in range(int(within_s / TICK_S)):
        if test():
            return True
        pause.wait(TICK_S)
    return False
