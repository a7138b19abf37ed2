"""The key-leak check: every key has a TTL, belongs to a live job, or is on the permanent list."""

from fnmatch import fnmatchcase

from engine.connection import Connection
from engine.keys import JOB_KEYS, PERMANENT


async def leaked_keys(link: Connection) -> list[str]:
    """Names of keys that would stay for ever without leave."""
    found = []
    for raw in await link.command("KEYS", "*"):
        key = raw.decode()
        if await link.command("PTTL", key) == -1 and not await _allowed(link, key):
            found.append(key)
    return sorted(found)


async def _allowed(link: Connection, key: str) -> bool:
    prefix, _, name = key.partition("}:")
    if any(fnmatchcase(name, pattern) for pattern in PERMANENT):
        return True
    kind, _, rest = name.partition(":")
    if kind in JOB_KEYS:
        places = [await link.command("ZSCORE", f"{prefix}}}:{index}", rest) for index in ("t", "qz")]
        return any(place is not None for place in places)
    if kind == "uj":
        return int(await link.command("HGET", f"{prefix}}}:a:{rest}", "live") or 0) > 0
    return False
