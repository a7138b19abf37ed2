"""The peers' harness, with a stand-in that speaks the frame's language: nothing is installed in a test."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.__main__ import picture
from tests.bench.compare import Comparison, show
from tests.bench.contenders import FIGURES, PEERS, Peer, run_peer
from tests.bench.peers import environments, frame
from tests.bench.peers.environments import HERE, CannotInstall, node_peer, python_peer
from tests.bench.starts import OURS, Starts, show_starts, starts_of, written

STAND_IN = """
from tests.bench.peers.frame import noop, order, run
ORDER = order()
def work():
    for _ in range(ORDER.jobs):
        noop(ORDER.payload)
run(lambda: None, work)
"""


def peer() -> Peer:
    return Peer("stand-in", lambda: [sys.executable, "-c", STAND_IN], 100)


def test_a_peer_is_told_when_to_run_and_measured() -> None:
    found = asyncio.run(run_peer(peer(), [sys.executable, "-c", STAND_IN], "", "no", 1.0))
    assert set(found) >= set(FIGURES)
    assert found["jobs_per_s"] > 0


WAITING = """
from tests.bench.peers.frame import noop, order, run
from redis import Redis
ORDER = order()
def enqueue():
    link = Redis.from_url(ORDER.url)
    for _ in ORDER.batches(500):
        link.rpush("line", ORDER.payload)
def work():
    link = Redis.from_url(ORDER.url)
    while True:
        noop(link.blpop("line")[1].decode())
run(enqueue, work)
"""


def test_an_idle_peer_is_sent_a_job_now_and_then() -> None:
    late_ms = asyncio.run(starts_of(peer(), [sys.executable, "-c", WAITING], "", 3))
    assert len(late_ms) == 3
    assert all(0 < ms < 10_000 for ms in late_ms)


def test_starts_are_told_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    found = Starts({OURS[0]: [[3.0] * 8], OURS[1]: [[4.0] * 8], "saq": [[6.0] * 8]}, {"rq": "no network"})
    show_starts(Console(width=200), found)
    assert (
        "saq: from submit to start p50 6.00 ms, p99 6.00 ms; ours ÷ theirs 0.50, 0.50"
        in capsys.readouterr().out
    )
    text, drawn = written(found, {"cpu": "one"})
    assert json.loads(text)["missing"] == {"rq": "no network"}
    assert "From submit to start" in drawn


def test_a_peer_s_last_words_are_kept() -> None:
    broken = [sys.executable, "-c", "raise SystemExit('the queue is gone')"]
    with pytest.raises(RuntimeError, match="the queue is gone"):
        asyncio.run(run_peer(peer(), broken, "", "no", 1.0))


def test_every_peer_has_its_code_and_requirements() -> None:
    for name in {str(each.command.args[0]) for each in PEERS}:  # type: ignore[attr-defined]
        files = {path.name for path in HERE.glob(f"{name}*")}
        assert files >= (
            {f"{name}.mjs", f"{name}.json"} if name == "bullmq" else {f"{name}_peer.py", f"{name}.txt"}
        )
    assert len({each.name for each in PEERS}) == len(PEERS)


def test_a_peer_that_cannot_be_had_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotInstall, match="npm is not installed"):
        node_peer("bullmq")


class Installer:
    """Stands in for npm and pip: says how many install at the same moment, and how often they are called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.most = 0
        self._inside = 0
        self._second = threading.Event()

    def __call__(self, command: Sequence[str]) -> str:
        self._inside += 1
        self.most = max(self.most, self._inside)
        if self._inside > 1:
            self._second.set()
        self._second.wait(0.2)
        if "venv" in command:
            Path(command[-1]).mkdir()
        self.calls.append(" ".join(command))
        self._inside -= 1
        return ""


@pytest.mark.parametrize(
    ("install", "name", "calls"), [(python_peer, "saq", 2), (node_peer, "bullmq", 1)], ids=["pip", "npm"]
)
def test_a_peer_is_installed_once_by_whoever_comes_first(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    install: Callable[[str], list[str]],
    name: str,
    calls: int,
) -> None:
    installer = Installer()
    monkeypatch.setattr(environments, "_run", installer)
    monkeypatch.setattr(environments, "PLACE", tmp_path)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(install, [name, name])
    assert first == second
    assert installer.most == 1
    assert len(installer.calls) == calls


def test_an_install_that_failed_is_begun_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(command: Sequence[str]) -> str:
        raise CannotInstall(command[-1])

    monkeypatch.setattr(environments, "PLACE", tmp_path)
    monkeypatch.setattr(environments, "_run", broken)
    with pytest.raises(CannotInstall):
        python_peer("saq")
    installer = Installer()
    monkeypatch.setattr(environments, "_run", installer)
    python_peer("saq")
    assert len(installer.calls) == 2


def test_the_last_job_ends_the_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(frame, "COUNT", frame.Count(frame.Order("", 2)))
    monkeypatch.setattr("os._exit", ended.append)
    frame.noop("0 p")
    assert capsys.readouterr().out == ""
    asyncio.run(frame.noop_async("0 p"))
    assert '"jobs": 2' in capsys.readouterr().out
    assert ended == [0]


def sample() -> Comparison:
    ours = dict.fromkeys(FIGURES, 10.0)
    theirs = {**ours, "jobs_per_s": 5.0, "cpu_us_per_job": 20.0}
    names = {
        "reelstate, whole job": ours,
        "reelstate, after submit": ours,
        "saq": theirs,
        "bullmq (Node)": theirs,
    }
    return Comparison(
        {name: [row, row] for name, row in names.items()}, missing={"rq": "it cannot be installed"}
    )


def test_ratios_are_of_medians_and_the_missing_are_named(tmp_path: Path) -> None:
    found = sample()
    assert found.ratios("saq") == {"jobs_per_s": 2.0, "cpu_us_per_job": 0.5}
    assert found.best_python_peer() == "saq"
    assert list(found.values("jobs_per_s"))[-1] in ("saq", "bullmq (Node)")
    with (tmp_path / "out").open("w", encoding="utf-8") as file:
        show(Console(file=file, width=200), found)
    said = (tmp_path / "out").read_text(encoding="utf-8")
    assert "2.00 × the jobs/s" in said
    assert "not measured: rq" in said
    assert "<svg" in picture(found, {"cores": "2"})
