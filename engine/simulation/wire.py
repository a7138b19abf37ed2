"""A store's server spoken to without an event loop: each command is sent and answered at once.

The simulator runs the real scripts on a real server, but lets no real waiting into its time: a command
blocks the whole (virtual) world for its few microseconds and is over.
"""

import socket
from collections.abc import Sequence
from typing import Any, Final

from engine.driver.pipe import Answers, encode

Word = str | bytes | int | float

_CHUNK: Final = 1 << 16


class WireError(Exception):
    """The server answered with an error; the text is its own."""


class Wire:
    """RESP2 over a unix socket. Not for production: it blocks."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(30.0)
        self._socket.connect(path)
        self._heard: list[Any] = []
        self._answers = Answers(self._heard.append, WireError)

    def call(self, *words: Word) -> Any:
        """One command. Raises WireError."""
        return self.all([words])[0]

    def all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Several commands in one write, executed one after the other. Raises the first WireError."""
        return self.sent(b"".join(map(encode, commands)), len(commands))

    def sent(self, raw: bytes, count: int) -> list[Any]:
        """So many commands, encoded already. Raises the first WireError."""
        self._socket.sendall(raw)
        while len(self._heard) < count:
            heard = self._socket.recv(_CHUNK)
            if not heard:
                raise WireError("the server closed the line")
            self._answers.feed(heard)
        answers = self._heard[:count]
        del self._heard[:count]
        for answer in answers:
            if isinstance(answer, WireError):
                raise answer
        return answers

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
