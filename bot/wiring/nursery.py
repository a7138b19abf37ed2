"""Processes of our own that start at once: a mother that has imported everything, and forks a child a line.

Importing the Bot API's types takes seconds of CPU; a play that kills workers needs several processes. A child
is a real process running the real command line. `python -m bot.wiring.nursery` is the mother: each line on
stdin is a JSON order, each line on stdout the pid of the child. When stdin ends, she kills them all.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Self, TextIO

_PRELOADED: Final = ("bot.commands.serve", "bot.cli")


class Nursery:
    """The mother, seen from outside. For any event loop; calls block while she starts or forks."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._mother: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start her; she imports while others do something else."""
        with self._turn:
            self._started()

    def bear(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start `reelstate ARGUMENTS` with its output in a file; its pid. Raises RuntimeError if she died."""
        order = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        with self._turn:
            mother = self._started()
            assert mother.stdin is not None  # noqa: S101 - piped
            assert mother.stdout is not None  # noqa: S101 - piped
            mother.stdin.write(json.dumps(order) + "\n")
            mother.stdin.flush()
            answer = mother.stdout.readline()
        if not answer:
            raise RuntimeError("the process that starts workers has died")
        return int(answer)

    def close(self) -> None:
        """End her and all her children."""
        with self._turn:
            mother, self._mother = self._mother, None
        if mother is not None:
            mother.communicate()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> "subprocess.Popen[str]":
        if self._mother is None:
            self._mother = subprocess.Popen(
                [sys.executable, "-m", "bot.wiring.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the play, which then closes her
            )
        return self._mother


# --- the mother herself -------------------------------------------------------------------------


def _serve(orders: TextIO) -> None:
    for name in _PRELOADED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried by the system
    children: list[int] = []
    for line in orders:
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        children.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _live(order: Mapping[str, object]) -> None:
    """The child: its own output, environment and signals, then the command line."""
    from bot.cli import cli  # noqa: PLC0415 - imported before the fork

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    environment, arguments = order["environment"], order["arguments"]
    assert isinstance(environment, dict)  # noqa: S101 - written by `bear`
    assert isinstance(arguments, list)  # noqa: S101 - written by `bear`
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        code = cli(arguments, standalone_mode=False) or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.stdin)
