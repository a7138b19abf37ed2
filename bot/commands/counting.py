"""How far long work has come: a progress bar on a terminal, a line now and then elsewhere; both on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Show = Callable[[int, int, str], None]
"""Told how many are done, of how many (0: nobody knows), and what they are."""
LINE_EVERY: Final = 100_000
"""Things between two lines of progress where there is no terminal."""


@contextmanager
def counting(out: str = "") -> Iterator[Show]:
    """Show it while the block runs, unless its results (`out`: as `-o` says it) run over the same screen."""
    if out == "-" and sys.stdout.isatty():
        yield lambda done, total, what: None  # noqa: ARG005 - whoever sees the results sees that it goes on
        return
    if not sys.stderr.isatty():
        last = 0

        def line(done: int, total: int, what: str) -> None:
            nonlocal last
            if done - last >= LINE_EVERY:
                last = done
                click.echo(f"{done:,} of {total:,} {what}" if total else f"{done:,} {what}", err=True)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total or None, description=f"{done:,} {what}")

        yield show
