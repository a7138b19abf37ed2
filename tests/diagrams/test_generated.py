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
from tests.engine.replay.make_log import write_log

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
_OVER_A_LOG = """
import hashlib, json, sys
from pathlib import Path
from bot.commands.diagram import diff_picture
from bot.commands.replay_page import page_of
from diagrams.diff import as_text, compare
from diagrams.journal import counts_overlay, coverage_overlay, journal, traffic
from diagrams.logs import path_overlay, read_logs
from diagrams.png import png
from diagrams.svg import paint
from diagrams.terminal import terminal
from engine.replay.changes import changed, parse_changes
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.reports import junit, markdown
from engine.replay.whatif import Counterfactual, by_strategy
from engine.replay.xes import xes
from states.graph import GRAPH, build_graph
from states.strategy import STRATEGY
lines = Path(sys.argv[1]).read_bytes().splitlines(keepends=True)
rows = [json.loads(line) for line in lines]
log, parts = journal(read_logs([Path(sys.argv[1])]), GRAPH), []
way = path_overlay(rows, GRAPH, min(row["job"] for row in rows if "edge" in row))
for over in (counts_overlay(log), coverage_overlay(log), way):
    parts += [terminal(GRAPH, over)]
    parts += [paint(GRAPH, theme=theme, overlay=over) for theme in ("light", "dark")]
wanted = parse_changes("generating.unavailable.retries=2")
steady = parse_changes("generating.unavailable.jitter=0.1")  # looks alike: no new layout has to be made
both = compare(GRAPH, build_graph(changed(STRATEGY, steady)))
parts += [as_text(both, traffic(log)), diff_picture(both, traffic(log))]
replayer = Replayer()
replayer.feed([lines[0], *lines[2:]])
report = replayer.finish()
answer = Counterfactual(Shelf(), by_strategy(lambda s: changed(s, wanted))).feed(rows)
parts += [junit(report, "log"), markdown(report, "log", answer, "asked"), "".join(xes(rows))]
parts.append(page_of(rows, Shelf(), "", report.findings))
print(hashlib.sha256("".join(parts).encode("utf-8") + png(parts[1], zoom=1)).hexdigest(), len(parts))
"""


def _bytes_under(script: str = _DIGEST, *given: str, **settings: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-W", "error", "-c", script, *given]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout  # noqa: S603


def test_bytes_do_not_depend_on_locale_hash_seed_or_time_zone() -> None:
    one = _bytes_under(PYTHONHASHSEED="1", LC_ALL="C.UTF-8", TZ="UTC")
    other = _bytes_under(PYTHONHASHSEED="4242", LC_ALL="tr_TR.UTF-8", LANG="tr_TR.UTF-8", TZ="Asia/Tokyo")
    plain = _bytes_under(PYTHONHASHSEED="7", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert one == other == plain


def test_overlays_and_reports_have_the_same_bytes_everywhere(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_log(log, 60, seed=3, trouble=2.0)
    one = _bytes_under(_OVER_A_LOG, str(log), PYTHONHASHSEED="1", LC_ALL="C.UTF-8", TZ="UTC")
    foreign = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"}
    other = _bytes_under(_OVER_A_LOG, str(log), PYTHONHASHSEED="4242", **foreign)
    assert one == other
    assert one.endswith(" 15\n")


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
