"""`reelstate job migrate`: waiting jobs moved to another graph version, each by a logged step."""

import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bot.settings import load_settings
from bot.wiring.app import open_engine
from bot.wiring.running import Trouble, finished
from engine.front import Engine
from engine.migration import Migrated, Migration, known_graph, migrate
from states.graph import Graph

PAGE: Final = 500
_WHY: Final = {
    Migration.ALREADY: "has that graph",
    Migration.BUSY: "a worker holds it just now: run this again",
    Migration.NO_EDGE: "that graph has no edge by which it came here: it finishes on its own",
    Migration.OVER: "has ended",
    Migration.GONE: "there is no such job",
    Migration.ASIDE: "is set aside: reelstate job release first",
}


@click.command("migrate")
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="All live jobs of other graphs.")
@click.option("--to", "digest", metavar="DIGEST", help="That graph version; this program's own by default.")
@click.option("--yes", "really", is_flag=True, help="Do it; without this only what would be done is told.")
def migrate_jobs(job_ids: tuple[str, ...], *, everyone: bool, digest: str | None, really: bool) -> None:
    """Move waiting jobs to another graph version. A job finishes on its own graph when nobody does this.

    State, credits, timers and history stay; the history gets a record of the move. A job can move when the
    other graph has the edge by which it came where it stands. Exit code 1 when one could not be moved.
    """
    if bool(job_ids) == everyone:
        raise Trouble("Name the jobs, or say --all: `reelstate job list` shows the live ones.")
    finished(_migrate(job_ids, digest, really=really))


async def _migrate(job_ids: Sequence[str], digest: str | None, *, really: bool) -> None:
    async with open_engine(load_settings()) as engine:
        wanted = digest or engine.judge.graph.digest
        graph = await known_graph(engine, wanted)
        if graph is None:
            raise Trouble(
                f"This program cannot read a graph {wanted} in this store: `reelstate job show ID` tells a"
                " job's, `reelstate diagram check` this program's."
            )
        found = [await migrate(engine, job_id, graph, dry=not really) for job_id in job_ids]
        if not job_ids:
            found = [each async for each in _everyone(engine, graph, dry=not really)]
    _say(found, graph.digest, really=really)
    if any(each.outcome not in (Migration.MOVED, Migration.ALREADY, Migration.OVER) for each in found):
        sys.exit(1)


async def _everyone(engine: Engine, graph: Graph, *, dry: bool) -> AsyncIterator[Migrated]:
    """All live jobs that have another graph. Those that move between two pages come again or are left."""
    for partition in range(engine.store.partitions):
        page = await engine.store.due_page(partition, limit=PAGE)
        while page:
            for due in page:
                one = await migrate(engine, due.id, graph, dry=dry)
                if one.outcome not in (Migration.ALREADY, Migration.OVER, Migration.GONE):
                    yield one
            page = await engine.store.due_page(partition, page[-1], limit=PAGE)


def _say(found: Sequence[Migrated], digest: str, *, really: bool) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    done = "moved" if really else "would move"
    table = Table("job", "state", "of graph", "came by", "", box=None)
    for each in found:
        what = _WHY.get(each.outcome, done)
        table.add_row(each.job_id, each.state, each.graph, each.edge, what)
    if found:
        console.print(table)
    moved = sum(each.outcome is Migration.MOVED for each in found)
    console.print(f"{moved} of {len(found)} jobs {done} to graph {digest}.")
    if moved and not really:
        console.print("Nothing was changed: add --yes to do it.")
