"""`reelstate replay`: recorded jobs judged again, by their own graph, another one, or a changed policy."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.commands.log_parts import (
    GRAPHS,
    LOGS,
    PACE,
    Pace,
    all_lines,
    console,
    graph_from,
    lines,
    one_sentence,
    shelf,
)
from bot.commands.replay_page import page_of
from bot.trouble import Trouble
from engine.replay.changes import changed, parse_changes
from engine.replay.graphs import Shelf
from engine.replay.reading import read_records
from engine.replay.replayer import Replayer
from engine.replay.reports import junit, markdown
from engine.replay.values import Finding, Report, Verdict
from engine.replay.whatif import Counterfactual, WhatIf, by_graph, by_strategy

_STYLES = {
    Verdict.SAME: "green",
    Verdict.FOREIGN: "yellow",
    Verdict.TRUNCATED: "yellow",
    Verdict.DIVERGED: "red",
    Verdict.ILLEGAL: "bold red",
}


@click.command("replay")
@LOGS
@GRAPHS
@click.option("--graph", metavar="FILE|REV", help="Judge by this graph instead of each record's own.")
@click.option(
    "--what-if",
    "changes",
    multiple=True,
    metavar="CHANGES",
    help="Judge by a changed policy, e.g. 'generating.unavailable.retries=2', or a JSON file of changes.",
)
@click.option("--job", default="", metavar="ID", help="With --html: the job to step through.")
@PACE
@click.option("--show", default=10, show_default=True, type=click.IntRange(0), help="Findings to print.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False), help="Write a JUnit report.")
@click.option("--md", "md_file", type=click.Path(dir_okay=False), help="Write a Markdown report.")
@click.option(
    "--html", "html_file", type=click.Path(dir_okay=False), help="Write a page that steps through a job."
)
def replay(  # noqa: PLR0913 - one command, its options by name
    *,
    logs: tuple[str, ...],
    folders: tuple[str, ...],
    graph: str | None,
    changes: tuple[str, ...],
    job: str,
    show: int,
    junit_file: str | None,
    md_file: str | None,
    html_file: str | None,
    pace: bool,
) -> None:
    """Judge the recorded jobs of LOG (JSON lines, plain or gzipped, `-` for standard input) again.

    Verdicts of a job: same, diverged, illegal, truncated, foreign. Exit code 0: all the same; 1: one or
    more diverged, were illegal, or would have moved; 2: something could not be judged.
    """
    if graph and changes:
        raise Trouble("Give --graph or --what-if, not both.")
    if "-" in logs and (graph or changes or html_file):
        raise Trouble("Standard input can be read only once: put the log into a file for this.")
    with one_sentence():
        known, name = shelf(folders), ", ".join(Path(log).name for log in logs)
        answer = _asked(known, logs, graph, changes)
        asked = graph or "; ".join(changes)
        report = Report() if graph and answer else replayed(known, logs, pace=pace)
        out = console()
        if not (graph and answer):
            show_report(out, report, show)
        if answer is not None:
            show_answer(out, answer, asked, show)
        _write(junit_file, junit(_with_moves(report, answer), name))
        _write(md_file, markdown(report, name, answer, asked))
        if html_file:
            _write(html_file, page_of(read_records(all_lines(logs)), known, job, report.findings))
            out.print(f"page: {escape(html_file)}")
    raise SystemExit(_exit_code(report, answer))


def replayed(known: Shelf, logs: Sequence[str], *, pace: bool) -> Report:
    """Every record judged again. Says on standard error how fast; `pace`: compared with parsing alone."""
    if pace and "-" in logs:
        raise Trouble("Standard input can be read only once: put the log into a file for --pace.")
    replayer, clock = Replayer(known), Pace()
    for name, found in lines(logs):
        replayer.feed(found, Path(name).name if len(logs) > 1 else "")
    report = replayer.finish()
    clock.tell(report.records, logs if pace else ())
    return report


def _asked(known: Shelf, logs: Sequence[str], graph: str | None, changes: tuple[str, ...]) -> WhatIf | None:
    if graph:
        found = graph_from(graph)
        known.add(found)
        return Counterfactual(known, by_graph(found)).feed(read_records(all_lines(logs), shelf=known))
    if not changes:
        return None
    wanted = tuple(change for words in changes for change in parse_changes(words))
    another = by_strategy(lambda strategy: changed(strategy, wanted))
    return Counterfactual(known, another).feed(read_records(all_lines(logs), shelf=known))


def _exit_code(report: Report, answer: WhatIf | None) -> int:
    if answer is None:
        return report.exit_code
    if report.exit_code == 1 or answer.moved:
        return 1
    return 2 if answer.unjudged else report.exit_code


def _with_moves(report: Report, answer: WhatIf | None) -> Report:
    if answer is not None:
        for example in answer.examples:
            report.findings.append(example)
    return report


def _write(name: str | None, text: str) -> None:
    if name is None:
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Trouble(f"Cannot write {name}: {error.strerror or error}.") from None


def show_report(out: Console, report: Report, show: int) -> None:
    """The verdicts, and the first findings with their reasons."""
    jobs = sum(report.jobs.values())
    unfinished = f", {report.open} of them unfinished" if report.open else ""
    asides = f", {report.asides} that moved nothing" if report.asides else ""
    out.print(f"{report.records} records{asides}; {jobs} jobs{unfinished}")
    for verdict in Verdict:
        if report.jobs[verdict]:
            out.print(f"  [{_STYLES[verdict]}]{verdict:<10}[/] {report.jobs[verdict]:>8}")
    _findings(out, report.findings[:show])
    hidden = sum(report.kinds.values()) - min(show, len(report.findings))
    if hidden > 0:
        out.print(f"  ... and {hidden} more findings (--show {sum(report.kinds.values())})")


def _findings(out: Console, findings: Sequence[Finding]) -> None:
    for finding in findings:
        out.print(f"[{_STYLES[finding.verdict]}]•[/] {escape(finding.sentence())}", soft_wrap=True)
        for why in finding.why:
            out.print(f"    {escape(why)}")


def show_answer(out: Console, answer: WhatIf, asked: str, show: int) -> None:
    """The money table and the moves it comes from."""
    table = Table(title=f"What if {escape(asked)}", title_justify="left")
    for title in ("", "recorded", "what-if", "Δ", "undecided"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row("jobs moved", "", str(answer.moved), "", str(answer.undecided_jobs or ""))
    for name, old, new, delta, open_ in answer.rows():
        table.add_row(name, str(old), str(new), f"{delta:+d}" if delta else "0", str(open_ or ""))
    out.print(table)
    for (old_edge, new_edge), count in answer.moves.most_common(show):
        out.print(f"  {count:>6} × {escape(old_edge)} ⇒ {escape(new_edge)}")
    notes = [
        (
            answer.retimed,
            f"waits changed by {answer.waiting_ms / 1000:+.0f} s in all; the recorded answers stand",
        ),
        (answer.told_otherwise, "told otherwise on the same way"),
        (answer.undecided_jobs, "undecided: they would have gone on, and the provider was never asked"),
        (answer.unjudged, "not judged: their records begin in the middle, or their graph is not at hand"),
    ]
    for count, text in notes:
        if count:
            out.print(f"  {count} jobs {text}")
    _findings(out, answer.examples[: min(show, 3)])
