"""`reelstate demo`: the whole product in one process, with no key, no server and no network."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from bot.wiring.played import Film, Line, Played
from bot.wiring.running import Trouble, finished
from bot.wiring.show import PageWorld, open_page, scenario_rows
from bot.wiring.story import play
from engine import logbook

_STYLES: Final[Mapping[str, str]] = {
    "move": "bold",
    "money": "green",
    "told": "cyan",
    "deed": "magenta",
    "note": "yellow",
}


@click.command("demo")
@click.option("--photo", type=click.Path(path_type=Path), help="Run one generation of this photo, headless.")
@click.option("--scenario", default="", help="What goes wrong meanwhile; `list` names all scenarios.")
@click.option(
    "--lang",
    type=click.Choice(["ru", "en"]),
    default="ru",
    show_default=True,
    help="The user's Telegram; the chat page can change it.",
)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Where to save the video.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port of the chat page; 0 takes a free one.",
)
@click.option(
    "--scale",
    default=20,
    show_default=True,
    type=click.IntRange(1, 500),
    help="How many times as fast time runs on the chat page.",
)
@click.option(
    "--log-level",
    default="WARNING",
    show_default=True,
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
)
def demo(
    photo: Path | None, scenario: str, lang: str, out: Path | None, port: int, scale: int, log_level: str
) -> None:
    """Everything in one process: embedded Valkey, provider and Telegram on loopback, bot and worker."""
    logbook.open_logbook(log_level.upper())
    if scenario == "list":
        _list_scenarios()
        return
    if photo is None and scenario:
        raise Trouble("--scenario needs a photo: add --photo FILE (or use the panel of the chat page).")
    if photo is None:
        finished(_page(port, scale, lang))
        return
    played = finished(_headless(photo, scenario or "ok", lang, out))
    if played.differences:
        raise SystemExit(1)


def _list_scenarios() -> None:
    table = Table("scenario", "what happens", "что происходит", box=None)
    for row in scenario_rows():
        table.add_row(row["name"], row["title_en"], row["title_ru"])
    Console(width=None if sys.stdout.isatty() else 120).print(table)


# --- headless -----------------------------------------------------------------------------------


async def _headless(photo: Path, name: str, lang: str, out: Path | None) -> Played:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(f"[bold]scenario[/] {escape(name)}  [dim]times are of the sandbox's fast clock[/]")

    def tell(line: Line) -> None:
        style = _STYLES.get(line.what, "")
        console.print(f"[dim]{line.at_s:8.1f} s[/]  {line.what:<5} [{style}]{escape(line.text)}[/]")

    played = await play(name, photo, tell, lang=lang, save_to=out or Path("out") / f"{name}.mp4")
    _report(console, played)
    return played


def _report(console: Console, played: Played) -> None:
    console.rule("what the user saw")
    for n, message in enumerate(played.messages, 1):
        console.print(Panel(escape(message), title=str(n), title_align="left", width=72))
    console.rule("credits")
    for entry in played.statement:
        console.print(f"  {entry.kind:<8} {entry.delta:+3d}  balance {entry.balance}  {escape(entry.job_id)}")
    console.print(f"  before {played.before.balance}, after {played.after.balance}, held {played.after.held}")
    console.rule("end")
    _end(console, played)
    if played.film is not None:
        console.print(f"  video saved: {escape(_film_words(played.film))}")
    for difference in played.differences:
        console.print(f"  [red]not as the scenario says:[/] {escape(difference)}")
    if not played.differences:
        console.print("  [green]as the scenario says[/]")


def _end(console: Console, played: Played) -> None:
    job = played.job
    if job is None:
        console.print("  no job was made, nothing was charged")
    else:
        console.print(
            f"  {job.state}  after {job.seq} transitions, {played.failures} failures,"
            f" {played.creates} create calls, {played.accepted} tasks accepted,"
            f" {job.send_attempts} deliveries begun"
        )
    told = ", ".join(played.told) or "nothing"
    console.print(f"  told: {told}; push notifications: {played.pushes}")
    for alert in played.alerts:
        console.print(f"  the operator was told: {escape(' / '.join(filter(None, alert.splitlines())))}")


def _film_words(film: Film) -> str:
    facts = film.facts
    if facts is None:
        return f"{film.path}, which does not play"
    return (
        f"{film.path}  {facts.codec} {facts.width}x{facts.height}, {facts.duration_s:.1f} s,"
        f" {facts.frames} frames, {facts.size / 1024:.0f} kB"
    )


# --- the page -----------------------------------------------------------------------------------


async def _page(port: int, scale: float, lang: str) -> None:
    async with open_page(port=port, scale=scale, lang=lang) as world:
        stop = world.app.stop
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # a platform without signals in its loop
                loop.add_signal_handler(number, stop.set)
        _welcome(world)
        await world.run()


def _welcome(world: PageWorld) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    console.print(f"\n  Reelstate demo is running:  [bold cyan]{world.url}[/]\n")
    console.print("  Open it in a browser: you are the Telegram user. Drop a photo, tap Create,")
    console.print("  and watch the status message become a video. Ctrl-C stops everything.")
    console.print(f"  [dim]process {os.getpid()}, nothing leaves this machine[/]\n")
