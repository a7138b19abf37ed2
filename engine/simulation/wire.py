"""A store's server spoken to without an event loop: each command is sent and answered at once.

The simulator runs the real scripts on a real server, but lets no real waiting into its time: a command
blocks the whole (virtual) world for its few microseconds and is over.
"""

import socket
from collections.abc import Sequence
from typing import Any, Final

Word = str | bytes | int | float

_CRLF: Final = b"\r\n"


class WireError(Exception):
    """The server answered with an error; the text is its own."""


class Wire:
    """RESP2 over a unix socket. Not for production: it blocks."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(30.0)
        self._socket.connect(path)
        self._answers = self._socket.makefile("rb")

    def call(self, *words: Word) -> Any:
        """One command. Raises WireError."""
        return self.all([words])[0]

    def all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Several commands in one write, executed one after the other. Raises the first WireError."""
        return self.sent(b"".join(map(encode, commands)), len(commands))

    def sent(self, raw: bytes, count: int) -> list[Any]:
        """So many commands, encoded already. Raises the first WireError."""
        self._socket.sendall(raw)
        answers = [self._read() for _ in range(count)]
        for answer in answers:
            if isinstance(answer, WireError):
                raise answer
        return answers

    def _read(self) -> Any:
        line = self._answers.readline()
        mark, rest = line[:1], line[1:-2]
        if mark == b"$":
            size = int(rest)
            return None if size < 0 else self._answers.read(size + 2)[:-2]
        if mark == b"*":
            count = int(rest)
            return None if count < 0 else [self._read() for _ in range(count)]
        if mark == b":":
            return int(rest)
        if mark == b"+":
            return rest
        if mark == b"-":
            return WireError(rest.decode())
        raise WireError("the server closed the line")

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()


def encode(words: Sequence[Word]) -> bytes:
    """A command as it travels."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        parts += (b"$%d\r\n" % len(raw), raw, _CRLF)
    return b"".join(parts)
