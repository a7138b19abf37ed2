"""`reelstate run`, `bot` and `worker`: the real thing, in one process or apart."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack, suppress

import click

from bot.settings import load_settings
from bot.wiring.app import Role, open_app
from bot.wiring.running import Trouble, finished
from bot.wiring.sandbox import CALL_S, LEASE_S, sandbox_tuning
from bot.wiring.shared_clock import SharedClock
from engine import logbook
from engine.collector import settle

_NEEDS = ("bot_token", "api_keys")
"""The bot needs the provider's keys too: it takes the callbacks, and a callback is only a reason to ask."""


@click.command("run")
def run_command() -> None:
    """Bot and worker in one process, with the embedded Valkey unless REDIS_URL is set."""
    finished(_serve(Role.BOTH, _name("run")))


@click.command("bot")
def bot_command() -> None:
    """The bot alone: updates, conversations, notices. Workers run apart."""
    finished(_serve(Role.BOT, _name("bot")))


@click.command("worker")
@click.option("--name", default="", help="What this worker is called in logs.")
@click.option("--clock", "clock_word", default="", hidden=True, help="A sandbox's clock, file#seat.")
@click.option("--call-s", default=CALL_S, hidden=True, help="How long a sandbox's calls may take.")
def worker_command(name: str, clock_word: str, call_s: float) -> None:
    """A worker alone: creates, polls, delivers. Start as many as you like."""
    finished(_serve(Role.WORKER, name or _name("worker"), clock_word, call_s))


def _name(what: str) -> str:
    return f"{what}@{socket.gethostname()}:{os.getpid()}"


async def _serve(role: Role, name: str, clock_word: str = "", call_s: float = CALL_S) -> None:
    settings = load_settings()
    settings.require(*_NEEDS)
    logbook.open_logbook(settings.log_level)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(_clock(clock_word)) if clock_word else None
        tuning = sandbox_tuning(clock.factor, call_s, LEASE_S) if clock is not None else None
        app = await stack.enter_async_context(open_app(settings, role, tuning=tuning, clock=clock, name=name))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # a platform without signals in its loop
                loop.add_signal_handler(number, app.stop.set)
        settle()
        await app.run()
        if app.trouble:
            raise Trouble(app.trouble)


def _clock(word: str) -> SharedClock:
    try:
        return SharedClock.of_word(word)
    except (ValueError, OSError) as error:
        raise Trouble(f"--clock {word} is not the file and seat of a sandbox's clock.") from error
