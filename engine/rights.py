"""The narrowest user of Redis or Valkey that this program can live with, as the `ACL SETUSER` line to type.

The commands of the scripts are read out of the scripts, so a new one cannot be forgotten here. Keys are
those of the partitions and of the provider's limits, channels none. CONFIG is left out: it would tell
passwords, and the doctor does without it.
"""

import re
from collections.abc import Iterable
from typing import Final

from engine.check.reading import check_sources
from engine.keys import TAGS
from engine.script_files import read_sources

PROVIDERS: Final = ("kie",)
"""Whose shared limits live under tags of their own."""
_CALL: Final = re.compile(r"redis\.p?call\(([^,)]*)")
_WORD: Final = re.compile(r"'([A-Z]+)'")

_LINK: Final = (
    "ping", "select", "time", "info", "client|id", "client|unblock",
    "evalsha", "eval", "script|load", "cluster|slots", "asking",
)  # fmt: skip
"""What any of our processes sends: `eval` and the last two on a cluster alone."""
_READS: Final = ("hmget", "hget", "hgetall", "lrange", "xrevrange")
_SERVICE: Final = ("bzpopmin", "xread", "set", "exists", "wait", "waitaof")
"""Doorbells, the feed, and the confirmation of writes (`engine.durability`)."""
_AUDITS: Final = ("hmget", "hgetall", "dbsize", "exists")
SENTINEL: Final = ("ping", "sentinel|masters", "sentinel|master")


def service_line(name: str) -> str:
    """For bot and workers. `PASSWORD` is to be replaced; Redis 7.0 does not know +waitaof: leave it out.

    It cannot be asked to wait for its disk, so for strict durability there +config|get must tell of it.
    """
    return _line(name, {*_LINK, *_READS, *_SERVICE, *commands_in(read_sources().values())}, _keys())


def auditor_line(name: str) -> str:
    """For `reelstate check` and `reelstate doctor`: reads alone."""
    return _line(name, {*_LINK, *_AUDITS, *commands_in(check_sources().values())}, _keys())


def sentinel_line(name: str) -> str:
    """For the sentinels themselves, where they ask for a password."""
    return _line(name, set(SENTINEL), ())


def commands_in(scripts: Iterable[str]) -> frozenset[str]:
    """The commands that Lua sources call, in small letters."""
    return frozenset(
        word.lower() for text in scripts for first in _CALL.findall(text) for word in _WORD.findall(first)
    )


def _keys() -> tuple[str, ...]:
    return tuple("~{" + tag + "}*" for tag in (*TAGS, *(f"p:{provider}" for provider in PROVIDERS)))


def _line(name: str, commands: set[str], keys: Iterable[str]) -> str:
    allowed = (f"+{command}" for command in sorted(commands))
    return " ".join(["ACL SETUSER", name, "reset", "on", ">PASSWORD", *keys, *allowed])
