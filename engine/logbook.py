"""Telemetry written down with loguru. The only room that knows loguru; secrets never get this far."""

import sys
from typing import TextIO

from loguru import logger

from engine.telemetry import Field

_QUIET = frozenset({"job.waited", "lease.beaten", "worker.idle"})
_LOUD = frozenset({"job.refused", "adapter.failed", "store.lost", "relay.dropped"})


def open_logbook(level: str = "INFO", sink: TextIO | None = None) -> None:
    """Send the log to one place, with one line an event. `level` is a loguru level name."""
    logger.remove()
    logger.add(
        sink or sys.stderr,
        level=level,
        format="{time:HH:mm:ss.SSS} {level: <7} {message}",
        backtrace=False,
        diagnose=False,  # variables of a traceback may hold secrets
    )


def write(name: str, fields: dict[str, Field]) -> None:
    """A telemetry subscriber: one event, one line."""
    level = "DEBUG" if name in _QUIET else "WARNING" if name in _LOUD else "INFO"
    words = " ".join(f"{key}={value}" for key, value in fields.items() if value not in (None, ""))
    logger.log(level, "{} {}", name, words)


def crash(name: str, error: BaseException) -> None:
    """Write down a bug with its traceback (without variables)."""
    logger.opt(exception=error).error("{} {}", name, type(error).__name__)
