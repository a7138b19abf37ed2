"""Telemetry written down with loguru. The only room that knows loguru; secrets never get this far."""

import re
import sys
from typing import Final, TextIO

from loguru import logger

from engine.telemetry import Field

_QUIET = frozenset({"job.waited", "lease.beaten", "worker.idle"})
_LOUD = frozenset({"job.refused", "store.lost", "relay.dropped", "lease.lost"})
_WRONG = frozenset({"job.denied"})
_SECRET: Final = re.compile(
    r"""\d{6,}:[\w-]{30,}            # a bot token, as it stands in Telegram's addresses
    | (?<=bearer\ )\S+              # an API key in a header
    | (?<=://)[^/\s@]*:[^/\s@]+(?=@)  # user and password of an address
    """,
    re.IGNORECASE | re.VERBOSE,
)


def open_logbook(level: str = "INFO", sink: TextIO | None = None) -> None:
    """Send the log to one place, with one line an event. `level` is a loguru level name."""
    stream = sink or sys.stderr

    def show(text: str) -> None:
        stream.write(_SECRET.sub("***", text))  # an exception of a client may quote the address it called
        stream.flush()

    logger.remove()
    logger.add(
        show,
        level=level,
        format="{time:HH:mm:ss.SSS} {level: <7} {message}",
        backtrace=False,
        diagnose=False,  # variables of a traceback may hold secrets
    )


def write(name: str, fields: dict[str, Field]) -> None:
    """A telemetry subscriber: one event, one line."""
    words = " ".join(f"{key}={value}" for key, value in fields.items() if value not in (None, ""))
    logger.log(_level(name), "{} {}", name, " ".join(words.splitlines()))


def _level(name: str) -> str:
    if name in _WRONG:
        return "ERROR"
    return "DEBUG" if name in _QUIET else "WARNING" if name in _LOUD else "INFO"


def crash(name: str, error: BaseException) -> None:
    """Write down a bug with its traceback (without variables)."""
    logger.opt(exception=error).error("{} {}", name, type(error).__name__)
