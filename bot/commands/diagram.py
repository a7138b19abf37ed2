"""`reelstate diagram`: draw the state graph, compare two, check the committed pictures, validate."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

import click

from bot.trouble import Trouble
from diagrams.diff import GraphDiff, as_text, compare, joined_pairs
from diagrams.dot import dot
from diagrams.generated import fill_pages, stale, write_all
from diagrams.glossary import glossary
from diagrams.journal import Journal, counts_overlay, coverage_overlay, journal, traffic
from diagrams.layout import NoLayoutError
from diagrams.load import NOW, ROOT, NoGraphError, load_graph
from diagrams.logs import LogError, path_overlay, read_logs
from diagrams.mermaid import mermaid
from diagrams.overlay import Overlay
from diagrams.plantuml import plantuml
from diagrams.png import NoPainterError, png
from diagrams.readme import BlockError
from diagrams.scxml import scxml
from diagrams.svg import ThemeName, paint, paint_pairs
from diagrams.tables import full_table, strategy_table
from diagrams.terminal import terminal
from diagrams.words import Language
from states.graph import Graph
from states.validate import validate as findings_of

_Text = Callable[[Graph, Language], str]
_TEXTS: Mapping[str, _Text] = MappingProxyType(
    {
        "mermaid": lambda graph, _: mermaid(graph),
        "dot": lambda graph, _: dot(graph),
        "plantuml": lambda graph, _: plantuml(graph),
        "scxml": lambda graph, _: scxml(graph),
        "json": lambda graph, _: graph.canonical_json() + "\n",
        "table": strategy_table,
        "rows": lambda graph, _: full_table(graph),
        "glossary": glossary,
    }
)
_PICTURES = ("terminal", "svg", "png")
_EXPECTED = (NoGraphError, LogError, NoLayoutError, NoPainterError, BlockError)

_Logs = tuple[Path, ...]
_LOG = click.Path(path_type=Path, dir_okay=False)
_graph_option = click.option(
    "--graph",
    "graph_name",
    default=NOW,
    metavar="FILE|REV|now",
    help="Which graph: a JSON file, a git revision, or the program's own.",
)
_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT,
    hidden=True,
    help="Where README.md and diagrams/ are.",
)


class _Group(click.Group):
    """Turns expected trouble into one sentence. `serve` is loaded when asked for: it opens a store."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "serve"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "serve":
            found: click.Command = import_module("bot.commands.diagram_serve").serve
            return found
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except _EXPECTED as error:
            raise Trouble(str(error)) from error
        except OSError as error:
            raise Trouble(f"Cannot write {error.filename}: {error.strerror}.") from error


@click.group("diagram", cls=_Group)
def diagram() -> None:
    """Draw the state graph, compare two graphs, check that committed pictures are fresh."""


@diagram.command()
@click.option(
    "--format",
    "form",
    type=click.Choice([*_PICTURES, *_TEXTS]),
    default="terminal",
    show_default=True,
    help="What to draw.",
)
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="light", show_default=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here, not to the screen.")
@click.option(
    "--all", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write every format here."
)
@click.option("--readme", is_flag=True, help="Fill the marked blocks of README.md and README.ru.md.")
@click.option("--path", "path_log", type=_LOG, help="Number the steps of a job of this log.")
@click.option("--job", default="", help="Which job, when the log holds several.")
@click.option("--counts", type=_LOG, multiple=True, help="Traffic, times and credits of these logs.")
@click.option("--coverage", type=_LOG, multiple=True, help="Which edges these logs covered.")
@click.option("--zoom", type=click.FloatRange(0.2, 8), default=2.0, show_default=True, help="Size of a PNG.")
@_graph_option
@_root_option
def render(  # noqa: PLR0913 - one parameter an option
    *,
    form: str,
    theme: str,
    language: str,
    out: Path | None,
    folder: Path | None,
    readme: bool,
    path_log: Path | None,
    job: str,
    counts: _Logs,
    coverage: _Logs,
    zoom: float,
    graph_name: str,
    root: Path,
) -> None:
    """Draw the graph, with a job's path, traffic or coverage over it."""
    graph, tongue = load_graph(graph_name, root), cast("Language", language)
    if folder is not None:
        for path in write_all(graph, folder):
            click.echo(path)
    if readme:
        for path in fill_pages(graph, root):
            click.echo(path)
    if folder is not None or readme:
        return
    over = _overlay(graph, path_log, job, counts, coverage)
    if form == "png":
        _put_bytes(png(paint(graph, theme=cast("ThemeName", theme), overlay=over), zoom=zoom), out)
    elif form == "svg":
        _put(paint(graph, theme=cast("ThemeName", theme), overlay=over), out)
    elif form == "terminal":
        _put(terminal(graph, over, tongue), out)
    else:
        _put(_TEXTS[form](graph, tongue), out)


def _overlay(graph: Graph, path_log: Path | None, job: str, counts: _Logs, coverage: _Logs) -> Overlay:
    over = counts_overlay(_journal(counts, graph)) if counts else Overlay()
    if coverage:
        over = replace(over, fired=coverage_overlay(_journal(coverage, graph)).fired)
    if path_log is not None:
        way = path_overlay(read_logs((path_log,)), graph, job)
        over = replace(over, path=way.path, current=way.current)
    return over


def _journal(paths: _Logs, graph: Graph) -> Journal:
    log = journal(read_logs(paths), graph)
    if log.foreign:
        some = ", ".join(log.foreign[:3])
        click.echo(f"Note: {len(log.foreign)} edges of the log are not in this graph ({some}).", err=True)
    return log


def _put(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        _put_bytes(text.encode("utf-8"), out)


def _put_bytes(content: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(content, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
        click.echo(out)


@diagram.command()
@click.argument("before")
@click.argument("after", default=NOW)
@click.option("--traffic", "logs", type=_LOG, multiple=True, help="Count these logs' moves over each change.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw the diff here.")
@click.option("--png", "png_out", type=click.Path(path_type=Path, dir_okay=False), help="The same as PNG.")
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="light", show_default=True)
@_root_option
def diff(
    *, before: str, after: str, logs: _Logs, svg: Path | None, png_out: Path | None, theme: str, root: Path
) -> None:
    """Compare two graphs: each a JSON file, a git revision, or `now`."""
    both = compare(load_graph(before, root), load_graph(after, root))
    counts = traffic(_journal(logs, both.after)) if logs else None
    click.echo(as_text(both, counts), nl=False)
    if svg is not None or png_out is not None:
        picture = diff_picture(both, counts, cast("ThemeName", theme))
        if svg is not None:
            _put(picture, svg)
        if png_out is not None:
            _put_bytes(png(picture), png_out)


def diff_picture(both: GraphDiff, counts: Mapping[str, int] | None, theme: ThemeName = "light") -> str:
    """The two graphs in one picture: green added, red dashed removed, amber dotted changed."""
    title = f"Graph {both.before.digest} → {both.after.digest}"
    over = Overlay(changes=both.changes, counts=counts)
    return paint_pairs(joined_pairs(both), title=title, theme=theme, overlay=over)


@diagram.command()
@_root_option
@click.pass_context
def check(ctx: click.Context, *, root: Path) -> None:
    """Fail with a diff when a committed diagram or a README block is not what the graph says."""
    found = stale(load_graph(NOW, root), root)
    for item in found:
        click.echo(item.diff)
    if found:
        names = ", ".join(item.path.name for item in found)
        click.echo(f"Stale: {names}. Run `make diagrams` and commit the result.", err=True)
        ctx.exit(1)
    click.echo("All committed diagrams are fresh.")


@diagram.command()
@_graph_option
@_root_option
@click.pass_context
def validate(ctx: click.Context, *, graph_name: str, root: Path) -> None:
    """Look for holes, overlaps, traps, unbounded retries and lost credits in the graph."""
    graph = load_graph(graph_name, root)
    findings = findings_of(graph)
    for finding in findings:
        click.echo(finding)
    if findings:
        ctx.exit(1)
    click.echo(f"The graph {graph.digest} is sound: {len(graph.edges)} edges, no finding.")
