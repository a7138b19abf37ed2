"""`reelstate diagram serve`: the live page over any store, beside or without a running installation."""

import asyncio
import signal
from contextlib import suppress

import click

from bot.settings import load_settings
from bot.wiring.app import open_engine
from bot.wiring.live import serve_live
from bot.wiring.running import finished
from engine import logbook


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Others need REELSTATE_LIVE_TOKEN.")
@click.option(
    "--port", default=8770, show_default=True, type=click.IntRange(0, 65_535), help="0: a free one."
)
def serve(host: str, port: int) -> None:
    """The graph lighting up as jobs move: counts, due times, one job's history step by step.

    Reads the store of REDIS_URL, or the embedded one of REELSTATE_DATA_DIR beside whoever runs it.
    """
    finished(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    settings = load_settings()
    logbook.open_logbook("WARNING")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # a platform without signals in its loop
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_engine(settings) as engine, serve_live(engine, settings, host, port) as url:
        click.echo(f"Live page: {url}  (Ctrl-C ends it; jobs are not touched)")
        await stop.wait()
