"""`reelstate doctor`: is this set-up fit to run, and what would mend it."""

import re
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.settings import Settings, SettingsError, load_settings
from bot.wiring.checks import ask_kie, ask_telegram, check_catalogue, check_store, trouble
from bot.wiring.running import Trouble, finished
from engine.fitness import Finding, Level
from engine.rights import auditor_line, sentinel_line, service_line
from states.graph import GRAPH
from states.validate import validate

SPACE_ERROR: Final = 200e6
"""Bytes: below this the next videos, or the store's append-only file, will not fit."""
SPACE_WARN: Final = 2e9
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STYLES: Final = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}


@click.command("doctor")
@click.option("--online", is_flag=True, help="Ask Telegram and KIE too (free of charge).")
@click.option(
    "--acl", metavar="NAME", help="Only print the narrowest user of the server, as ACL SETUSER lines."
)
def doctor(acl: str | None, *, online: bool) -> None:
    """Check the set-up: settings, store, disk, graph. Exit code 2 when something must be mended."""
    if acl is not None:
        _show_users(acl)
        return
    findings = finished(_examine(online=online))
    _show(findings)
    if any(finding.level is Level.ERROR for finding in findings):
        raise SystemExit(2)


def _show_users(name: str) -> None:
    """The lines go to every server of a cluster or behind sentinels, then CONFIG REWRITE or ACL SAVE."""
    if not _NAME.fullmatch(name):
        raise Trouble("A user's name is made of letters, digits, - and _: give another one.")
    click.echo("# bot and workers (Redis 7.0: leave out +waitaof, and add +config|get for strict durability)")
    click.echo(service_line(name))
    click.echo("# reelstate check and doctor: reads alone")
    click.echo(auditor_line(f"{name}-audit"))
    click.echo("# on the sentinels, where they ask for a password")
    click.echo(sentinel_line(f"{name}-sentinel"))


async def _examine(*, online: bool) -> list[Finding]:
    """All findings; settings that cannot be read at all end the examination."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return [trouble(error)]
    needs = list(_needs(settings))
    findings = [*needs, check_catalogue(settings), _graph(), *_people(settings), *_reached(settings)]
    findings += _disk(settings.data_dir)
    findings += await check_store(settings)
    if online and not needs:
        findings += [await ask_telegram(settings), *await ask_kie(settings)]
    return findings


def _needs(settings: Settings) -> Iterator[Finding]:
    for name in ("bot_token", "api_keys"):
        try:
            settings.require(name)
        except SettingsError as error:
            yield trouble(error)


def _graph() -> Finding:
    wrong = validate(GRAPH)
    if wrong:
        return Finding(Level.ERROR, f"the state graph is not sound: {wrong[0]}", "correct states/strategy.py")
    return Finding(Level.OK, f"the state graph is sound: {len(GRAPH.edges)} edges, digest {GRAPH.digest}")


def _people(settings: Settings) -> Iterator[Finding]:
    if not settings.admin_chat_id:
        yield Finding(Level.WARN, "nobody is told of incidents", "set REELSTATE_ADMIN_CHAT_ID")
    if not settings.admin_chat_id and not settings.support:
        yield Finding(Level.WARN, "users have nobody to write to", "set REELSTATE_SUPPORT or the admin chat")


def _reached(settings: Settings) -> Iterator[Finding]:
    """How the outside reaches us, when it does."""
    if not settings.public_url:
        yield Finding(Level.OK, "no public address: Telegram and KIE are polled")
        return
    if not settings.public_url.startswith("https://"):
        yield Finding(
            Level.WARN, "REELSTATE_PUBLIC_URL is not https", "callbacks can be read on their way: use https"
        )
    if not settings.kie_webhook_key.get_secret_value():
        yield Finding(
            Level.WARN, "KIE's callbacks are not signed", "set a key at kie.ai and REELSTATE_KIE_WEBHOOK_KEY"
        )
    where = f"{settings.listen_host}:{settings.listen_port}"
    if _taken(settings.listen_host, settings.listen_port):
        yield Finding(
            Level.WARN, f"{where} is in use", "fine if the bot runs, else set REELSTATE_LISTEN_PORT"
        )
    else:
        yield Finding(Level.OK, f"{where} is free for callbacks")


def _taken(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return True
    return False


def _disk(data_dir: Path) -> list[Finding]:
    """Whether videos and the embedded store find room."""
    place = data_dir.absolute()
    while not place.exists():
        place = place.parent
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        mend = "give its owner's rights, or set REELSTATE_DATA_DIR"
        return [Finding(Level.ERROR, f"the data directory {data_dir} cannot be written ({why})", mend)]
    free = shutil.disk_usage(place).free
    shown = f"{free / 1e9:.1f} GB free in {data_dir}"
    if free >= SPACE_WARN:
        return [Finding(Level.OK, shown)]
    level = Level.ERROR if free < SPACE_ERROR else Level.WARN
    return [Finding(level, shown, "make room, or set REELSTATE_DATA_DIR to a larger disk")]


def _show(findings: Sequence[Finding]) -> None:
    table = Table("", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        style = _STYLES[finding.level]
        table.add_row(f"[{style}]{finding.level}[/]", escape(finding.what), escape(finding.mend))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table)
    errors, warnings = (sum(f.level is level for f in findings) for level in (Level.ERROR, Level.WARN))
    verdict = "[bold red]not fit to run[/]" if errors else "[green]fit to run[/]"
    console.print(f"{verdict}: {errors} errors, {warnings} warnings")
