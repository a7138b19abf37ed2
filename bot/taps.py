"""What a button carries: `verb:reference:version:argument`, at most 64 bytes.

The reference is a job or a draft, the version a draft's: a button of yesterday's draft says so instead
of acting. A verb is two letters because the bytes are few.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CALLBACK_LIMIT: Final = 64
"""Bytes of callback data Telegram takes."""


class Verb(StrEnum):
    """What a button asks for."""

    LAUNCH = "go"
    TEMPLATE = "tp"
    MODEL = "md"
    WISHES = "ow"
    BACK = "bk"
    NEXT_PHOTO = "px"
    DROP = "dx"
    CANCEL = "cn"
    REFRESH = "st"
    AGAIN = "ag"
    STYLE = "as"
    GET = "gv"
    NEW_PHOTO = "np"
    BALANCE = "bl"
    LANGUAGE = "lg"
    ERASE = "er"


DRAFT_VERBS: Final = frozenset(
    {Verb.LAUNCH, Verb.TEMPLATE, Verb.MODEL, Verb.WISHES, Verb.BACK, Verb.NEXT_PHOTO, Verb.DROP}
)
JOB_VERBS: Final = frozenset({Verb.CANCEL, Verb.REFRESH, Verb.AGAIN, Verb.STYLE, Verb.GET})


@dataclass(frozen=True, slots=True)
class Tap:
    """One pressed button."""

    verb: Verb
    ref: str = ""
    version: int = 0
    arg: str = ""

    def pack(self) -> str:
        """As callback data. Raises ValueError over 64 bytes (a bug: Telegram would refuse the message)."""
        parts = [self.verb.value, self.ref, str(self.version or ""), self.arg]
        data = ":".join(parts).rstrip(":")
        if len(data.encode()) > CALLBACK_LIMIT:
            raise ValueError(f"callback data of {self.verb} is longer than {CALLBACK_LIMIT} bytes: {data!r}")
        return data


def parse_tap(data: str | None) -> Tap | None:
    """The tap in callback data, or None for what we never made (an older release, another bot)."""
    parts = (data or "").split(":", 3)
    parts += [""] * (4 - len(parts))
    verb, ref, version, arg = parts
    if verb not in set(Verb) or not (version == "" or (version.isascii() and version.isdigit())):
        return None
    return Tap(Verb(verb), ref, int(version or 0), arg)


def short(name: str) -> str:
    """Eight letters that stand for a model id in a button (ids are up to 64 characters long)."""
    return hashlib.blake2s(name.encode(), digest_size=4).hexdigest()
