"""Where graphs come from: the program itself, a file of canonical JSON, or a revision of this repository."""

import subprocess
from pathlib import Path

from states.graph import GRAPH, Graph
from states.graph_json import GraphFileError, graph_from_json

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = "diagrams/generated/graph.json"
NOW = "now"
"""The name of the program's own graph."""


class NoGraphError(LookupError):
    """No graph there; the message is one sentence with the mend."""


def load_graph(name: str, root: Path = ROOT) -> Graph:
    """`now`, a file, or a git revision of `root`. Raises NoGraphError."""
    if name == NOW:
        return GRAPH
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else _committed(name, root)
        return graph_from_json(text)
    except GraphFileError as error:
        raise NoGraphError(
            f"{name} is {error}: give a file of `reelstate diagram render --format json`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise NoGraphError(f"Cannot read {name}: {error}.") from error


def _committed(revision: str, root: Path) -> str:
    command = ["git", "-C", str(root), "show", f"{revision}:{COMMITTED}"]
    try:
        if revision.startswith("-"):
            raise NoGraphError(f"{revision} is neither a file nor a git revision.")
        done = subprocess.run(command, capture_output=True, check=True, timeout=30)  # noqa: S603 - no shell, no option
    except (OSError, subprocess.SubprocessError) as error:
        raise NoGraphError(
            f"{revision} is neither a file nor a git revision that holds {COMMITTED}: "
            f"give a JSON file, a revision, or `{NOW}` for the program's own graph."
        ) from error
    return done.stdout.decode("utf-8")
