"""Being ended in order: SIGTERM unwinds a command as Ctrl-C does, so that no server is left behind."""

import signal
from types import FrameType
from typing import Final

ENDED: Final = 128 + signal.SIGTERM
"""The exit code of a process that SIGTERM has ended, as shells give it."""


def leave_in_order() -> None:
    """From now on SIGTERM raises SystemExit in the main thread. Commands that serve take it themselves."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's shape
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not disturb the clearing up
    raise SystemExit(ENDED)
