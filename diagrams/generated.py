"""The committed files: every projection of the graph, and the check that none of them is stale."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from types import MappingProxyType

from diagrams.dot import dot
from diagrams.glossary import glossary
from diagrams.layout import LAYOUTS, find_layout
from diagrams.mermaid import mermaid
from diagrams.plantuml import plantuml
from diagrams.readme import BlockError, filled, language_of
from diagrams.scene import scene
from diagrams.scxml import scxml
from diagrams.svg import paint
from diagrams.tables import full_table, strategy_table
from diagrams.terminal import terminal
from states.graph import Graph

GENERATED = Path(__file__).parent / "generated"
PAGES = ("README.md", "README.ru.md")
_MOST_DIFF_LINES, _MOST_LINE = 40, 220


def _json(graph: Graph) -> str:
    return graph.canonical_json() + "\n"


def _strategy(graph: Graph) -> str:
    return (
        f"# Strategy of graph {graph.digest}\n\n"
        "Printed from the graph; change `states/strategy.py` instead.\n\n"
        f"{strategy_table(graph)}\n## Every row\n\n{full_table(graph)}\n## Words\n\n{glossary(graph)}"
    )


FILES: Mapping[str, Callable[[Graph], str]] = MappingProxyType(
    {
        "graph.svg": paint,
        "graph-dark.svg": lambda graph: paint(graph, theme="dark"),
        "graph.mmd": mermaid,
        "graph.dot": dot,
        "graph.puml": plantuml,
        "graph.scxml": scxml,
        "graph.json": _json,
        "graph.txt": terminal,
        "strategy.md": _strategy,
    }
)
"""Name -> what writes it."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A file that does not say what the graph says. `diff`: unified, shortened."""

    path: Path
    diff: str


def write_all(graph: Graph, folder: Path) -> list[Path]:
    """Write every file into a folder; a new layout is kept among the committed ones. Raises NoLayoutError."""
    keep_layout(graph)
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in FILES.items():
        _write(folder / name, write(graph))
    return [folder / name for name in FILES]


def keep_layout(graph: Graph, folder: Path = LAYOUTS) -> Path:
    """Commit the layout of a new structure; an old one is left untouched. Raises NoLayoutError."""
    what = scene(graph)
    path = folder / f"{what.digest}.json"
    if not path.is_file():
        _write(path, find_layout(what, folder).as_json())
    return path


def fill_pages(graph: Graph, root: Path) -> list[Path]:
    """Fill the marked blocks of the README pages; returns those that changed. Raises BlockError."""
    changed = []
    for path, old, new in _pages(graph, root):
        if old != new:
            _write(path, new)
            changed.append(path)
    return changed


def stale(graph: Graph, root: Path) -> list[Stale]:
    """Every committed file and README block that is stale. Raises BlockError."""
    folder = root / "diagrams" / "generated"
    found = [_compared(folder / name, write(graph)) for name, write in FILES.items()]
    found += [_difference(path, old, new) for path, old, new in _pages(graph, root)]
    return [item for item in found if item is not None]


def _pages(graph: Graph, root: Path) -> Iterator[tuple[Path, str, str]]:
    for path in (root / name for name in PAGES):
        if path.is_file():
            old = path.read_text(encoding="utf-8")
            try:
                yield path, old, filled(old, graph, language_of(path))
            except BlockError as error:
                raise BlockError(f"{path.name}: {error}.") from error


def _compared(path: Path, new: str) -> Stale | None:
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    return _difference(path, old, new)


def _difference(path: Path, old: str, new: str) -> Stale | None:
    if old == new:
        return None
    names = (f"{path.name} (committed)", f"{path.name} (graph)")
    lines = list(unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=1))
    shown = [_excerpt(lines, at) for at in range(min(len(lines), _MOST_DIFF_LINES))]
    more = len(lines) - len(shown)
    return Stale(path, "\n".join([*shown, *([f"... {more} more lines"] if more else [])]))


def _excerpt(lines: list[str], at: int) -> str:
    """A long line is shown from shortly before the place where it differs from its other half."""
    line = lines[at]
    if len(line) <= _MOST_LINE:
        return line
    others = [o for o in (lines[at - 1], *lines[at + 1 : at + 2]) if line[0] + o[0] in ("-+", "+-")]
    same = max((_alike_for(line[1:], other[1:]) for other in others), default=0)
    start = max(same - _MOST_LINE // 3, 0)
    text = line[1:][start : start + _MOST_LINE]
    return f"{line[0]}{'…' if start else ''}{text}{'…' if start + _MOST_LINE < len(line) - 1 else ''}"


def _alike_for(one: str, other: str) -> int:
    """How many characters two lines begin with in common."""
    differing = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))


def _write(path: Path, text: str) -> None:
    """The same bytes everywhere: UTF-8, line feeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
