"""The files of the house, as the checks look at them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ("states", "engine", "adapters", "bot", "diagrams")
ROOMS = (*SOURCE, "tests")
SPARED = {"vendor", "fonts", "generated", "__pycache__"}
"""What others wrote, or a program."""
TEXTS = {".py", ".lua", ".md", ".toml", ".yml", ".txt", ".ftl", ".html", ".css", ".js", ".json", ".jsonl"}


@cache
def files(ending: str, *rooms: str) -> tuple[Path, ...]:
    """The files of some rooms that we wrote ourselves."""
    found = (path for room in rooms for path in (ROOT / room).rglob(f"*{ending}"))
    return tuple(sorted(path for path in found if not SPARED & set(path.relative_to(ROOT).parts)))


@cache
def parsed(path: Path) -> ast.Module:
    """A Python file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """The path as it is written in lists: from the top, with slashes."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function of a file."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def committed_texts() -> Iterator[Path]:
    """Every text file that goes into the repository, the locks and recorded observations left out."""
    yield from (path for path in sorted(ROOT.glob("*")) if path.suffix in TEXTS - {".txt"})
    yield from (ROOT / name for name in ("Makefile", ".env.example", ".ci/run", ".github/workflows/ci.yml"))
    for ending in sorted(TEXTS - {".jsonl"}):
        yield from files(ending, *ROOMS)
