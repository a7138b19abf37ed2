"""`reelstate log export` and `log tail`: what a store has written, whole or as it happens."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.commands.counting import Show, counting
from bot.commands.log_parts import OUT, one_sentence
from bot.settings import load_settings
from bot.wiring.app import open_engine
from bot.wiring.running import finished
from engine.front import Engine
from engine.randomness import SystemRandomness
from engine.replay.reading import graph_line, line_of, writing
from engine.replay.redact import pseudonym, redacted
from engine.replay.values import Record, ReplayError
from engine.store_export import canonical_graph, histories, history_of, newest_event
from engine.values import Event
from states.graph import GRAPH

Write = Callable[[bytes], object]


@click.command("export")
@OUT
@click.option("--job", "job_id", default="", metavar="ID", help="Only this job.")
@click.option("--pseudonyms", is_flag=True, help="Hide job ids.")
@click.option("--salt", metavar="FILE", help="Secret that makes the pseudonyms the same in every export.")
def export(out: str, job_id: str, salt: str | None, *, pseudonyms: bool) -> None:
    """Write the histories of the store as they are now. Workers go on undisturbed."""
    with one_sentence():
        key = _salt(salt) if pseudonyms or salt else None
        with counting(out) as show:
            jobs, records = finished(_export(out, job_id, key, show))
    click.echo(f"{records} records of {jobs} jobs", err=True)


def _salt(name: str | None) -> bytes:
    """The secret of a file, or a fresh one that nobody keeps. Raises ReplayError."""
    if name is None:
        return SystemRandomness().token().encode()
    try:
        found = Path(name).read_bytes().strip()[:64]
    except OSError as error:
        raise ReplayError(f"Cannot read {name}: {error.strerror or error}.") from None
    if len(found) < 16:
        raise ReplayError(f"{name} holds {len(found)} bytes: a salt that hides needs 16 or more.")
    return found


async def _export(out: str, job_id: str, salt: bytes | None, show: Show) -> tuple[int, int]:
    jobs = records = 0
    graphs: set[str] = set()
    async with open_engine(load_settings()) as engine:
        with writing(out) as target:
            if job_id:
                rows = await history_of(engine.store, job_id)
                if not rows:
                    raise ReplayError(f"There is no job {job_id} (any more): jobs are kept for 14 days.")
                await _graphs(engine, rows, graphs, target.write)
                return 1, _put(rows, salt, target.write)
            async for found in histories(engine.store, lambda done, of: show(done, of, "keys")):
                await _graphs(engine, found, graphs, target.write)
                records += _put(found, salt, target.write)
                jobs += 1
    return jobs, records


async def _graphs(engine: Engine, rows: Sequence[Record], known: set[str], write: Write) -> None:
    """The definitions of graphs that were not written yet go before their first record."""
    for digest in {str(row.get("graph", "")) for row in rows} - known:
        known.add(digest)
        canonical = GRAPH.canonical_json() if digest == GRAPH.digest else ""
        canonical = canonical or await canonical_graph(engine.store, digest)
        if canonical:
            write(graph_line(digest, canonical))


def _put(rows: Sequence[Record], salt: bytes | None, write: Write) -> int:
    for row in rows:
        clean = redacted(row)
        write(line_of(clean if salt is None else pseudonym(clean, salt)))
    return len(rows)


@click.command("tail")
@click.option("--json", "as_json", is_flag=True, help="Whole records, one a line.")
@click.option("--count", default=0, type=click.IntRange(0), help="Stop after so many; 0 = never.")
@click.option(
    "--since", default="$", metavar="ID", help="Event id to go on from; $ = from now on, 0 = all kept."
)
def tail(*, as_json: bool, count: int, since: str) -> None:
    """Follow the moves of a live store. Ctrl-C ends."""
    with one_sentence():
        finished(_tail(as_json=as_json, count=count, since=since))


async def _tail(*, as_json: bool, count: int, since: str) -> None:
    told = 0
    async with open_engine(load_settings()) as engine:
        after = await newest_event(engine.store) if since == "$" else since
        while True:
            for event in await engine.events(after, block_s=5.0):
                after = event.id
                click.echo(await _record_line(engine, event) if as_json else _line(event))
                told += 1
                if told == count:
                    return


async def _record_line(engine: Engine, event: Event) -> str:
    rows = await engine.history(event.job_id)
    found = next((row for row in rows if row.get("seq") == event.seq), None)
    row = redacted(found) if found is not None else {"job": event.job_id, "seq": event.seq}
    return line_of(row).decode().rstrip()


def _line(event: Event) -> str:
    when = datetime.fromtimestamp(event.ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    facts = " ".join(f"{name}={value}" for name, value in event.data.items() if name in ("rule", "delay_ms"))
    way = f"{event.source or '·':>10} → {event.target:<10}"
    return f"{when} {event.job_id} {event.seq:>3} {way} {event.edge} {facts}".rstrip()
