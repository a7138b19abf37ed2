"""Each peer in an environment of its own below .venv/peers, made when it is first measured.

A peer is never a dependency of the project: its requirements file stands beside its code. Whoever comes
while another installs the same peer waits for it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = Path(__file__).parents[3]
PLACE: Final = ROOT / ".venv" / "peers"
_PATIENCE_S: Final = 300
_QUIETLY: Final = ("--disable-pip-version-check", "--quiet")


class CannotInstall(RuntimeError):  # noqa: N818 - reads as a sentence where it is caught
    """This peer cannot be had here; the text says why."""


def python_peer(name: str) -> list[str]:
    """The command that runs a Python peer, installed if need be. Raises CannotInstall."""
    wanted = HERE / f"{name}.txt"
    place = PLACE / name
    python = place / "bin" / "python"
    with _alone(place):
        if not _ready(place, wanted):
            shutil.rmtree(place, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(place)])
            _run([str(python), "-m", "pip", *_QUIETLY, "install", "-r", str(wanted)])
            _stamp(place, wanted)
    return [str(python), "-W", "ignore", "-m", f"tests.bench.peers.{name}_peer"]


def node_peer(name: str) -> list[str]:
    """The command that runs a Node peer, installed if need be. Raises CannotInstall."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise CannotInstall("Node.js with npm is not installed here")
    place, wanted = PLACE / name, HERE / f"{name}.json"
    script = place / f"{name}.mjs"
    with _alone(place):
        if not _ready(place, wanted):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            shutil.copy(wanted, place / "package.json")
            _run([npm, "install", "--no-fund", "--no-audit", "--silent", "--prefix", str(place)])
            _stamp(place, wanted)
        shutil.copy(HERE / script.name, script)  # it finds its modules beside itself
    return [node, str(script)]


def versions(command: list[str]) -> str:
    """The versions that count, as the environment itself tells them."""
    if Path(command[0]).name == "node":
        asked = json.loads(Path(command[1]).with_name("package.json").read_text(encoding="utf-8"))[
            "dependencies"
        ]
        node = _run([command[0], "--version"]).strip()
        return ", ".join([f"node {node}", *(f"{name} {version}" for name, version in asked.items())])
    frozen = _run([command[0], "-m", "pip", "--disable-pip-version-check", "freeze"])
    return ", ".join(line for line in frozen.split() if "==" in line)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Nobody else installs this peer meanwhile. The lock goes with its holder, however that ends."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ready(place: Path, wanted: Path) -> bool:
    stamp = place / ".made"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _digest(wanted)


def _stamp(place: Path, wanted: Path) -> None:
    (place / ".made").write_text(_digest(wanted), encoding="ascii")


def _digest(wanted: Path) -> str:
    return hashlib.sha256(wanted.read_bytes()).hexdigest()


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True, env=dict(os.environ)
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout or "").strip().splitlines()[-1:] or [str(error)]
        raise CannotInstall(last[0]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(str(error)) from error
    return done.stdout
