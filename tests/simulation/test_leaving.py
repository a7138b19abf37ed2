"""Commands that start servers, ended from outside in each usual way: no process of theirs stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PATIENCE_S = 60.0
PAUSED = "tests/engine/test_store_machine.py"
"""Tests of a server that take long enough to be ended in their midst."""
BENCH = ("bot.cli", "bench", "jobs", "--jobs", "100000")
SIMULATE = ("bot.cli", "simulate", "--seeds", "100000", "--jobs", "4")


def family(pid: int) -> dict[int, str]:
    """All that live below a process, with their names."""
    rows = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (folder / "stat").read_text("utf-8").partition("(")[2].rsplit(")", 1)
        except OSError:  # it has just gone
            continue
        rows[int(folder.name)] = (name, int(rest.split()[1]))
    below, found = {pid}, dict[int, str]()
    while below:
        below = {child for child, (_, parent) in rows.items() if parent in below}
        found |= {child: rows[child][0] for child in below}
    return found


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def running(arguments: Sequence[str], servers: int) -> Iterator[tuple[subprocess.Popen[bytes], set[int]]]:
    """The command in a session of its own, once its servers are up; and all pids of its family."""
    command = [sys.executable, "-m", *arguments]
    heard = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored in a shell's background, and inherited
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, heard)
    try:
        until = time.monotonic() + PATIENCE_S
        found = dict[int, str]()
        while sum("server" in name for name in found.values()) < servers:
            assert time.monotonic() < until, f"it has only {found}"
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended by itself: {process.wait(0.05)}")
            found = family(process.pid)
        yield process, set(found)
    finally:
        for pid in [pid for pid in family(process.pid) if alive(pid)]:
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def none_left(pids: set[int]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while any(map(alive, pids)) and time.monotonic() < until:
        os.sched_yield()
    return not any(map(alive, pids))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("arguments", "servers"),
    [
        pytest.param((*SIMULATE, "--workers", "1"), 1, id="simulate", marks=pytest.mark.long),
        pytest.param((*SIMULATE, "--workers", "2"), 2, id="simulate in two processes"),
        pytest.param((*BENCH, "--workers", "2"), 1, id="bench", marks=pytest.mark.long),
        pytest.param(("tests.bench", "--only", "ways"), 1, id="make bench", marks=pytest.mark.long),
        pytest.param(("tests.scale", "sentinel"), 4, id="a fleet", marks=pytest.mark.long),
        pytest.param(("pytest", "-q", "-p", "no:randomly", PAUSED), 1, id="tests", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("way", ["SIGTERM", "Ctrl-C"])
def test_no_server_is_left_behind(arguments: Sequence[str], servers: int, way: str) -> None:
    with running(arguments, servers) as (process, pids):
        if way == "SIGTERM":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE_S)
        assert none_left(pids)
