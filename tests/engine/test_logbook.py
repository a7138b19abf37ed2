"""The log: one line an event, levels by kind, no secrets."""

import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from loguru import logger

from engine import logbook


@pytest.fixture
def sink() -> Iterator[StringIO]:
    """A log that is read back; afterwards the log is as loguru makes it."""
    text = StringIO()
    logbook.open_logbook("DEBUG", text)
    yield text
    logger.remove()
    logger.add(sys.stderr)


@pytest.mark.parametrize(
    ("name", "level"),
    [("job.moved", "INFO"), ("job.waited", "DEBUG"), ("store.lost", "WARNING"), ("job.denied", "ERROR")],
)
def test_an_event_is_one_line_with_its_level(sink: StringIO, name: str, level: str) -> None:
    logbook.write(name, {"job": "0-j", "reason": "", "due": None, "seq": 0})
    (line,) = sink.getvalue().splitlines()
    assert line.split(maxsplit=1)[1] == f"{level: <7} {name} job=0-j seq=0"


def test_braces_and_line_breaks_do_not_break_the_line(sink: StringIO) -> None:
    logbook.write("job.moved", {"reason": "{x} {0}\nINFO forged"})
    assert len(sink.getvalue().splitlines()) == 1
    assert "{x} {0} INFO forged" in sink.getvalue()


TOKEN = "123456789:" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"[:35]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"Cannot connect to https://api.telegram.org/bot{TOKEN}/sendVideo", TOKEN),
        ("headers: Authorization: Bearer abc.def-123", "abc.def-123"),
        ("redis://user:pass-word@host:6379/0", "pass-word"),
    ],
)
def test_a_bug_is_written_down_without_secrets(sink: StringIO, text: str, hidden: str) -> None:
    """An exception of a client may quote the address it called."""
    secret_variable = "in-a-local-variable"  # noqa: S105 - a made-up one
    try:
        int(text)  # raises, and quotes it
    except ValueError as error:
        logbook.crash("worker.crashed", error)
    written = sink.getvalue()
    assert "ERROR   worker.crashed ValueError" in written
    assert "Traceback" in written
    assert hidden not in written
    assert "***" in written
    assert secret_variable not in written


def test_the_log_goes_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    logbook.open_logbook()
    logbook.write("job.moved", {"job": "0-j"})
    logbook.write("job.waited", {"job": "0-j"})
    logger.remove()
    logger.add(sys.stderr)
    assert [line.split(maxsplit=2)[2] for line in capsys.readouterr().err.splitlines()] == [
        "job.moved job=0-j"
    ]
