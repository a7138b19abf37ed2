import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.commands.diagram import diagram
from diagrams.generated import FILES, write_all
from states.graph import GRAPH, build_graph
from states.vocabulary import Reason, Stage

PATIENT = build_graph(GRAPH.strategy.changed(Stage.GENERATING, Reason.RATE_LIMITED, retries=6))


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(diagram, [str(arg) for arg in args])


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        ("terminal", "state graph"),
        ("svg", "<svg"),
        ("mermaid", "stateDiagram-v2"),
        ("dot", "digraph"),
        ("plantuml", "@startuml"),
        ("scxml", "<scxml"),
        ("json", '{"edges"'),
        ("table", "| reason |"),
        ("rows", "| stage | reason |"),
        ("glossary", "| state | means |"),
    ],
)
def test_every_format_goes_to_the_screen(form: str, sign: str) -> None:
    result = run("render", "--format", form)
    assert result.exit_code == 0
    assert sign in result.output


def test_png_goes_to_a_file_or_as_bytes_to_a_pipe(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "graph.png"
    assert run("render", "--format", "png", "--zoom", "0.5", "--out", out).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert run("render", "--format", "png", "--zoom", "0.5").stdout_bytes == out.read_bytes()


def test_all_formats_by_one_command(tmp_path: Path) -> None:
    result = run("render", "--all", tmp_path)
    assert result.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_overlays_from_logs(log_file: Path) -> None:
    assert "never" in run("render", "--counts", log_file).output
    assert "#1" in run("render", "--path", log_file, "--job", "job-3").output
    assert "/17" in run("render", "--coverage", log_file).output
    assert "p50" in run("render", "--counts", log_file, "--format", "svg").output


def test_foreign_edges_of_a_log_are_mentioned(log_file: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.jsonl"
    text = log_file.read_text(encoding="utf-8").replace('"edge": "queued/start"', '"edge": "queued/begin"')
    odd.write_text(text, encoding="utf-8")
    result = run("render", "--counts", odd)
    assert result.exit_code == 0
    assert "queued/begin" in result.stderr


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["render", "--graph", "nowhere"], "neither a file nor a git revision"),
        (["render", "--counts", "missing.jsonl"], "Cannot read missing.jsonl"),
        (["diff", "nowhere"], "neither a file nor a git revision"),
        (["validate", "--graph", "nowhere"], "neither a file nor a git revision"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(args: list[str], why: str, tmp_path: Path) -> None:
    result = run(*args, "--root", tmp_path)
    assert result.exit_code == 2
    assert why in result.stderr
    assert "Traceback" not in result.output


def test_unwritable_target_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run("render", "--format", "dot", "--out", tmp_path / "file" / "graph.dot")
    assert result.exit_code == 2
    assert "Cannot write" in result.stderr


def test_diff_against_a_git_revision(tmp_path: Path) -> None:
    def git(*args: str) -> None:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *author, *args], check=True, capture_output=True)  # noqa: S603, S607

    old = tmp_path / "diagrams" / "generated" / "graph.json"
    old.parent.mkdir(parents=True)
    old.write_text(PATIENT.canonical_json() + "\n", encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "old")
    result = run("diff", "HEAD", "--root", tmp_path)
    assert result.exit_code == 0
    assert "retries: 6 → 5" in result.output


def test_diff_is_drawn_with_the_traffic_it_touches(tmp_path: Path, log_file: Path) -> None:
    changed, out = tmp_path / "new.json", tmp_path / "diff.svg"
    few = build_graph(GRAPH.strategy.changed(Stage.SENDING, Reason.USER_GONE, jitter=0.1))
    changed.write_text(few.canonical_json(), encoding="utf-8")
    result = run("diff", "now", changed, "--traffic", log_file, "--svg", out)
    assert result.exit_code == 0
    assert "recorded moves went over these edges" in result.output
    assert "rule changed" in out.read_text(encoding="utf-8")


def test_check_tells_fresh_from_stale(tmp_path: Path) -> None:
    write_all(GRAPH, tmp_path / "diagrams" / "generated")
    assert run("check", "--root", tmp_path).exit_code == 0
    (tmp_path / "diagrams" / "generated" / "graph.mmd").write_text("old\n", encoding="utf-8")
    result = run("check", "--root", tmp_path)
    assert result.exit_code == 1
    assert "-old" in result.output
    assert "make diagrams" in result.stderr


def test_readme_is_filled_by_command(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("<!-- graph:strategy --><!-- /graph:strategy -->\n", encoding="utf-8")
    assert run("render", "--readme", "--root", tmp_path).exit_code == 0
    assert "| reason |" in page.read_text(encoding="utf-8")


def test_validate_reports_findings(tmp_path: Path) -> None:
    assert run("validate").exit_code == 0
    broken = tmp_path / "broken.json"
    kept = tuple(edge for edge in GRAPH.edges if edge.id != "queued/expire")
    broken.write_text(type(GRAPH)(GRAPH.strategy, kept).canonical_json(), encoding="utf-8")
    result = run("validate", "--graph", broken)
    assert result.exit_code == 1
    assert "hole" in result.output
