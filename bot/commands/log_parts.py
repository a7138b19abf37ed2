"""What `reelstate log` and `reelstate replay` share: logs with a progress bar, graphs by file or revision."""

import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bot.trouble import Trouble
from engine.replay.graphs import Shelf, parse_graph
from engine.replay.reading import lines_of, opened, parsed, position, quiet_collector
from engine.replay.values import ReplayError
from states.graph import Graph

_ASK: Final = "import sys; from states.graph import GRAPH; sys.stdout.write(GRAPH.canonical_json())"


@contextmanager
def one_sentence() -> Iterator[None]:
    """Expected trouble becomes one sentence, exit code 2. A pipe whose reader left ends it quietly."""
    try:
        yield
    except ReplayError as error:
        raise Trouble(str(error)) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def console() -> Console:
    """For results; wide enough that a pipe does not break lines."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=160)


def lines(logs: Sequence[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each log's name and lines; a bar on a terminal shows how far it is. Raises ReplayError."""
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with shown, quiet_collector():
        for name in logs:
            size = Path(name).stat().st_size if Path(name).is_file() else None
            task = shown.add_task(Path(name).name, total=size)
            with opened(name) as log:
                told = (
                    None
                    if name == "-"
                    else lambda log=log, task=task: shown.update(task, completed=position(log))
                )
                yield name, lines_of(log, told)
            shown.update(task, completed=size)


class Pace:
    """How fast a log was read, told on standard error: results must be the same on every run."""

    def __init__(self) -> None:
        self._begun_s = time.process_time()

    def tell(self, records: int, logs: Sequence[str] = ()) -> None:
        """Say it. With `logs`: also how long parsing them takes without judging, as a measure."""
        took_s = time.process_time() - self._begun_s
        click.echo(f"{_rate(records, took_s)} of one core, {_peak()} at most", err=True)
        if logs:
            begun_s = time.process_time()
            for line in all_lines(logs):
                parsed(line)
            bare_s = time.process_time() - begun_s
            ratio = f"a replay takes {took_s / bare_s:.2f} times as long"
            click.echo(f"parsing alone: {_rate(records, bare_s)}; {ratio}", err=True)


def _rate(records: int, seconds: float) -> str:
    return f"{records / max(seconds, 1e-6):,.0f} records a second"


def _peak() -> str:
    """The most memory this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{most / (1 << 20 if sys.platform == 'darwin' else 1 << 10):.0f} MB"


def all_lines(logs: Sequence[str]) -> Iterator[bytes]:
    """The lines of all logs, one after another."""
    for _, found in lines(logs):
        yield from found


def shelf(folders: Sequence[str]) -> Shelf:
    """Today's graph and those of the folders (or single files). Raises ReplayError."""
    known = Shelf()
    for name in folders:
        path = Path(name)
        if path.is_dir():
            known.add_folder(path)
        else:
            known.add(graph_from(name))
    return known


def graph_from(name: str) -> Graph:
    """A graph from a file of canonical JSON, or from a git revision of this program. Raises ReplayError."""
    path = Path(name)
    if path.is_file():
        return parse_graph(path.read_bytes(), name)
    if name.endswith(".json") or name.startswith("-"):
        raise ReplayError(f"Cannot read {name}: no such file.")
    return parse_graph(_at_revision(name), name)


def _at_revision(revision: str) -> bytes:
    """The canonical graph as the program of that revision draws it: its states/ run by itself."""
    archive = _run(["git", "archive", "--format=tar", revision, "states"], None)
    if archive is None:
        raise ReplayError(f"{revision!r} is neither a graph file nor a git revision of this program.")
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(folder, filter="data")
        drawn = _run([sys.executable, "-c", _ASK], folder)
    if drawn is None:
        raise ReplayError(f"The graph of revision {revision} cannot be drawn: its states/ does not run here.")
    return drawn


def _run(command: list[str], folder: str | None) -> bytes | None:
    where = folder or str(Path(__file__).parent)
    if command[0] == "git":
        command = ["git", "-C", str(Path(__file__).parents[2]), *command[1:]]
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, check=False, timeout=60)  # noqa: S603 - our own words, no shell
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


OUT = click.option("-o", "--out", default="-", metavar="FILE", help="Where to write; `.gz` compresses.")
LOGS = click.argument("logs", nargs=-1, required=True, metavar="LOG...")
PACE = click.option("--pace", is_flag=True, help="Parse once more without judging, and say the ratio.")
GRAPHS = click.option(
    "--graphs",
    "folders",
    multiple=True,
    metavar="DIR|FILE",
    help="Graphs of other versions (canonical JSON), for records made with them.",
)
