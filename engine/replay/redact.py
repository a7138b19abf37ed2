"""What must never be in a log, looked for; and job ids made unlinkable before a log leaves the house."""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from engine.replay.track import FACTS, strange_inputs
from engine.replay.values import Record

FIELDS: Final = frozenset(
    ("v", "job", "seq", "ts", "graph", "event", "from", "to", "edge", "in", "out", "by", "disp", "why", "op")
)
_BIRTH: Final = frozenset({"cost", "held", "deadline_ms", "has_video"})
_WORD: Final = re.compile(r"[A-Za-z0-9_@.:/+-]{0,120}\Z")
"""Ids, names of rules, effects: no spaces, so no sentence of anybody's fits through."""
_SECRETS: Final = (
    (re.compile(r"\d{6,}:[A-Za-z0-9_-]{20,}"), "a bot token"),
    (re.compile(r"(?i)https?:/"), "an address"),
    (re.compile(r"(?i)\bbearer\b|\bsk-[a-z0-9]"), "a key"),
    (re.compile(r"(?i)\b[a-f0-9]{32}\b"), "a key or digest"),
    (re.compile(r"AgAC[A-Za-z0-9_-]{20,}|BQAC[A-Za-z0-9_-]{20,}|BAAC[A-Za-z0-9_-]{20,}"), "a file id"),
)


def leaks(row: Record) -> list[str]:
    """What a record holds that it must not: one sentence each."""
    if "def" in row:
        return []  # a graph's definition: policy, nobody's data
    found = [f"the field {name!r} is not of the schema" for name in sorted(set(row) - FIELDS)]
    if row.get("event") == "submit":
        found += [f"the input {n!r} is not of the schema" for n in sorted(set(row.get("in", ())) - _BIRTH)]
    else:
        found += [f"the input {name!r} is not of the schema" for name in strange_inputs(row)]
    for name, text in _texts(row, ""):
        if not _WORD.match(text):
            found.append(f"{name} holds free text")
        found += [f"{name} holds {what}" for rule, what in _SECRETS if name != "job" and rule.search(text)]
    return found


def redacted(row: Record) -> Record:
    """Only what the schema names: whatever else a store may hold one day stays there."""
    clean = {name: value for name, value in row.items() if name in FIELDS}
    if isinstance(clean.get("in"), dict):
        known = _BIRTH if row.get("event") == "submit" else FACTS
        clean["in"] = {name: value for name, value in clean["in"].items() if name in known}
    return clean


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)


def pseudonym(row: Record, salt: bytes) -> Record:
    """The record under another job id: the same salt gives the same ids, without it nobody finds back."""
    job = str(row["job"])
    if job.startswith("@"):
        return row
    hidden = f"p-{blake2b(job.encode(), key=salt, digest_size=8).hexdigest()}"
    out = [word.replace(f":{job}:", f":{hidden}:") for word in row.get("out", ())]
    return {**row, "job": hidden, "out": out}
