"""How far long work has come, told on stderr so that results can be piped."""

import io
import sys

import pytest

from bot.commands import counting as room
from bot.commands.counting import counting


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_now_and_then_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "LINE_EVERY", 1_000)
    with counting() as show:
        for done in range(0, 2_500, 500):
            show(done, 3_000, "keys")
        show(3_100, 0, "keys")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["1,000 of 3,000 keys", "2,000 of 3,000 keys", "3,100 keys"]


def test_nothing_where_the_results_themselves_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    with counting("-") as show:
        show(1_500, 3_000, "keys")
    assert screen.getvalue() == ""


def test_a_bar_on_a_terminal_that_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with counting() as show:
        show(1_500, 3_000, "keys")
    assert "1,500 keys" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")  # the line is wiped again
