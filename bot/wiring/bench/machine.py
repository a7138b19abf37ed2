"""On what a figure was measured: without that it says nothing."""

import os
import platform
from importlib.metadata import version

from bot.wiring.bench.servers import fresh_server
from engine.bench.meter import server_name


async def machine(redis_url: str) -> dict[str, str]:
    """Processor, cores, system, interpreter, driver and server."""
    if redis_url:
        return {**_here(), "server": await server_name(redis_url)}
    with fresh_server("no") as url:
        return {**_here(), "server": await server_name(url)}


def _here() -> dict[str, str]:
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"Python {platform.python_version()}",
        "driver": f"redis-py {version('redis')}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a kernel's page
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
