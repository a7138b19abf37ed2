import os
import subprocess
import sys
from pathlib import Path

import pytest

from diagrams.generated import FILES, GENERATED, fill_pages, keep_layout, stale, write_all
from diagrams.layout import LAYOUTS
from diagrams.load import ROOT
from diagrams.readme import BLOCKS, BlockError, filled
from diagrams.scene import scene
from states.graph import GRAPH

PAGE = (
    "# Title\n\n"
    + "\n\n".join(f"<!-- graph:{name} --><!-- /graph:{name} -->" for name in BLOCKS)
    + "\n\nThe end.\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with fresh files and one page."""
    write_all(GRAPH, tmp_path / "diagrams" / "generated")
    (tmp_path / "README.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "README.ru.md").write_text(PAGE, encoding="utf-8")
    fill_pages(GRAPH, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_what_the_graph_says(name: str) -> None:
    assert (GENERATED / name).read_bytes() == FILES[name](GRAPH).encode("utf-8")


def test_layout_of_the_graph_is_committed_once() -> None:
    assert [path.stem for path in LAYOUTS.glob("*.json")] == [scene(GRAPH).digest]


def test_known_layout_is_not_written_again(tmp_path: Path) -> None:
    known = tmp_path / f"{scene(GRAPH).digest}.json"
    known.write_text("kept", encoding="utf-8")
    assert keep_layout(GRAPH, tmp_path) == known
    assert known.read_text(encoding="utf-8") == "kept"


_DIGEST = """
import hashlib
from diagrams.generated import FILES
from diagrams.readme import BLOCKS
from states.graph import GRAPH
text = "".join(write(GRAPH) for write in FILES.values())
text += "".join(block(GRAPH, language) for block in BLOCKS.values() for language in ("en", "ru"))
print(hashlib.sha256(text.encode("utf-8")).hexdigest())
"""


def _bytes_under(**settings: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-W", "error", "-c", _DIGEST]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout  # noqa: S603


def test_bytes_do_not_depend_on_locale_hash_seed_or_time_zone() -> None:
    one = _bytes_under(PYTHONHASHSEED="1", LC_ALL="C.UTF-8", TZ="UTC")
    other = _bytes_under(PYTHONHASHSEED="4242", LC_ALL="tr_TR.UTF-8", LANG="tr_TR.UTF-8", TZ="Asia/Tokyo")
    plain = _bytes_under(PYTHONHASHSEED="7", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert one == other == plain


# --- the check ----------------------------------------------------------------------------------


def test_fresh_repository_has_nothing_stale(root: Path) -> None:
    assert stale(GRAPH, root) == []


def test_every_stale_or_missing_file_is_found_with_a_diff(root: Path) -> None:
    for name in FILES:
        path = root / "diagrams" / "generated" / name
        path.write_text(
            path.read_text(encoding="utf-8").replace("retry_wait", "retry_later"), encoding="utf-8"
        )
    (root / "diagrams" / "generated" / "graph.json").unlink()
    found = {item.path.name: item.diff for item in stale(GRAPH, root)}
    assert set(found) == set(FILES)
    assert all(diff.startswith("---") for diff in found.values())
    assert "-    queued --> generating" not in found["graph.mmd"]
    assert "retry_later" in found["graph.mmd"]


def test_edited_block_of_a_page_is_stale(root: Path) -> None:
    page = root / "README.md"
    page.write_text(page.read_text(encoding="utf-8").replace("| never |", "| sometimes |"), encoding="utf-8")
    (item,) = stale(GRAPH, root)
    assert item.path == page
    assert "sometimes" in item.diff


# --- marked blocks ------------------------------------------------------------------------------


def test_blocks_are_filled_and_the_rest_is_left_alone() -> None:
    page = filled(PAGE, GRAPH)
    assert page.startswith("# Title\n\n<!-- graph:picture -->\n<picture>")
    assert page.endswith("<!-- /graph:glossary -->\n\nThe end.\n")
    assert "| reason | class |" in page
    assert "```mermaid" in page
    assert filled(page, GRAPH) == page


def test_russian_page_is_filled_in_russian(root: Path) -> None:
    assert "| причина | класс |" in (root / "README.ru.md").read_text(encoding="utf-8")
    assert "| reason | class |" in (root / "README.md").read_text(encoding="utf-8")


def test_page_without_blocks_is_fine() -> None:
    assert filled("nothing here", GRAPH) == "nothing here"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!-- graph:poem --><!-- /graph:poem -->", "unknown block graph:poem"),
        ("<!-- graph:strategy -->", "graph:strategy is not closed"),
        ("<!-- graph:strategy --><!-- /graph:picture -->", "graph:strategy is not closed"),
    ],
)
def test_broken_blocks_are_named(text: str, why: str) -> None:
    with pytest.raises(BlockError, match=why):
        filled(text, GRAPH)


def test_broken_block_names_its_page(root: Path) -> None:
    (root / "README.md").write_text("<!-- graph:picture -->", encoding="utf-8")
    with pytest.raises(BlockError, match=r"README\.md: block graph:picture"):
        stale(GRAPH, root)
