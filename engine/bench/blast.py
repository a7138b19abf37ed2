"""Commands sent to a server as fast as it takes them: encoded before, one connection, no waiting in between.

The ceiling of any client, and the only quick way to fill a store with a million jobs.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from engine.driver.pipe import encode
from engine.script_files import library
from engine.scripts import MAX_BATCH, Wire

_CHUNK: Final = 1 << 16
_END: Final = b"the-last-answer"


class BlastRefused(RuntimeError):  # noqa: N818 - reads as a sentence where it is caught
    """The server answered one of the commands with an error; the text is its own."""


@contextmanager
def plain_socket(url: str) -> Iterator[socket.socket]:
    """An authenticated connection to the server of a URL (`redis://` or `unix://`)."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        link = socket.socket(socket.AF_UNIX)
        link.connect(parts.path)
    else:
        link = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
    with link:
        link.settimeout(120.0)
        if parts.password:
            link.sendall(encode(("AUTH", parts.password)))
            if not link.recv(_CHUNK).startswith(b"+OK"):
                raise BlastRefused("the server refused our password")
        yield link


def blast(url: str, commands: Iterable[bytes]) -> int:
    """Send encoded commands while reading their answers; how many bytes came back. Raises BlastRefused.

    Answers are not looked at but for errors: whoever wants to know what they did looks at the store.
    """
    with plain_socket(url) as link:
        sender = threading.Thread(target=_send, args=(link, commands), daemon=True)
        sender.start()
        try:
            return _read_to_end(link)
        finally:
            sender.join(30)


def _send(link: socket.socket, commands: Iterable[bytes]) -> None:
    waiting = bytearray()
    for command in commands:
        waiting += command
        if len(waiting) >= _CHUNK:
            link.sendall(waiting)
            waiting.clear()
    link.sendall(bytes(waiting) + encode(("ECHO", _END)))


def _read_to_end(link: socket.socket) -> int:
    end = b"$%d\r\n%s\r\n" % (len(_END), _END)
    total, tail = 0, b""
    while True:
        piece = link.recv(_CHUNK)
        if not piece:
            raise BlastRefused("the server closed the connection")
        total += len(piece)
        tail = tail + piece if len(tail) < len(end) else tail[-len(end) :] + piece
        at = 0 if tail.startswith(b"-") else tail.find(b"\r\n-")
        if at >= 0 and (error := tail[at : at + 200].strip()).startswith(b"-"):
            raise BlastRefused(error.decode("utf-8", "replace").partition("\r\n")[0])
        if tail.endswith(end):
            return total


Call = tuple[str, str, Sequence[Wire]]
"""A verb's call: partition prefix, verb, wire arguments."""


def single_commands(calls: Iterable[Call], sha: Callable[[str], str]) -> Iterator[bytes]:
    """Each call as a script of its own."""
    for prefix, verb, wire in calls:
        yield encode(("EVALSHA", sha(verb), 1, prefix, *wire))


def batched_commands(calls: Iterable[Call], sha: str, size: int = MAX_BATCH) -> Iterator[bytes]:
    """Neighbouring calls to one partition as one script, `size` at most."""
    waiting: list[Any] = []
    count, current = 0, ""
    for prefix, verb, wire in calls:
        if count and (prefix != current or count >= size):
            yield encode(("EVALSHA", sha, 1, current, *waiting))
            waiting, count = [], 0
        current = prefix
        waiting += [verb, len(wire), *wire]
        count += 1
    if count:
        yield encode(("EVALSHA", sha, 1, current, *waiting))


def loaded(url: str) -> dict[str, str]:
    """SCRIPT LOAD of every verb and of the batch (`batch`); their shas."""
    verbs = library()
    texts = {name: verbs.single(name) for name in verbs.verbs} | {"batch": verbs.batch()}
    shas = {}
    with plain_socket(url) as link:
        answers = link.makefile("rb")
        for name, text in texts.items():
            link.sendall(encode(("SCRIPT", "LOAD", text)))
            head = answers.readline()
            if not head.startswith(b"$"):
                raise BlastRefused(f"{name}: {head!r}")
            shas[name] = answers.readline().strip().decode()
    return shas
