"""A draft: the photo and the choices of a user who has not launched yet, kept in the store.

One per user. `token` is the one-use key of the launch button (the job's idempotency key), `version` goes
up with every change, so that a button shows whether it still belongs to what the user sees.
"""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from bot.ports import Engine, Token

TEMPLATES: Final = ("spin", "studio", "lifestyle", "macro", "hands", "nature")
"""Ready-made product styles by name; their prompts belong to the provider's adapter."""
OWN: Final = "own"
"""The style that follows the user's own description."""
DRAFT_TTL_S: Final = 7 * 24 * 3600
_KEY: Final = "draft"
_ALBUM_LIMIT: Final = 10


class Phase(StrEnum):
    """Where the conversation stands."""

    IDLE = "idle"
    """Nothing begun."""
    PHOTO = "photo"
    """Wishes are noted, a photo is awaited."""
    CHOICE = "choice"
    """A proposal is shown: style, model, launch."""
    WISHES = "wishes"
    """A description is awaited as text."""
    LAUNCHED = "launched"
    """The draft became a job; kept so that its old buttons can say so."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the user has chosen so far."""

    token: str
    phase: Phase
    version: int = 1
    photo: str = ""
    """Telegram file_id, "" while awaited."""
    template: str = TEMPLATES[0]
    wishes: str = ""
    """The user's own words, raw."""
    model: str = ""
    """Catalogue id, "" = the default."""
    price: int = 0
    """What was shown as its price; a launch at another price is proposed anew instead."""
    message_id: int | None = None
    """The proposal's message, which becomes the status message."""
    album: str = ""
    album_photos: tuple[str, ...] = ()
    album_told: bool = False
    job_id: str = ""

    def changed(self, **fields: Any) -> "Draft":
        """The next version of this draft."""
        return replace(self, version=self.version + 1, **fields)

    def with_album_photo(self, photo: str) -> "Draft":
        """The same version with one more picture of its album to choose from (Telegram's albums hold ten)."""
        if photo in self.album_photos or len(self.album_photos) >= _ALBUM_LIMIT:
            return self
        return replace(self, album_photos=(*self.album_photos, photo))

    def noted_album(self) -> "Draft":
        """The same version; its user knows how to choose among the album's pictures."""
        return replace(self, album_told=True)

    def priced(self, model: str, price: int) -> "Draft":
        """The same version with the model and price that are about to be shown."""
        return replace(self, model=model, price=price)

    def shown(self, message_id: int) -> "Draft":
        """The same version, shown in that message."""
        return replace(self, message_id=message_id)

    def launched(self, job_id: str) -> "Draft":
        """Now a job; its launch button only says so."""
        return replace(self, phase=Phase.LAUNCHED, job_id=job_id)

    @property
    def open(self) -> bool:
        """Still to be launched or dropped."""
        return self.phase is not Phase.LAUNCHED


def encode(draft: Draft) -> bytes:
    """As stored."""
    return json.dumps(asdict(draft), ensure_ascii=False).encode()


def decode(raw: bytes | None) -> Draft | None:
    """The stored draft, or None when there is none or it is of a shape no longer understood."""
    if raw is None:
        return None
    try:
        data = json.loads(raw)
        data["phase"] = Phase(data["phase"])
        data["album_photos"] = tuple(data["album_photos"])
        return Draft(**data)
    except (ValueError, TypeError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class Drafts:
    """The shelf of drafts. Updates of a chat come one at a time, so nothing here needs a lock."""

    engine: Engine
    token: Token

    async def load(self, user_id: int) -> Draft | None:
        """The user's draft, launched ones included."""
        return decode(await self.engine.recall(user_id, _KEY))

    async def save(self, user_id: int, draft: Draft) -> Draft:
        """Keep it for a week from now."""
        await self.engine.remember(user_id, _KEY, encode(draft), DRAFT_TTL_S)
        return draft

    async def drop(self, user_id: int) -> None:
        """Forget it."""
        await self.engine.forget(user_id, _KEY)

    def begin(self, phase: Phase, **fields: Any) -> Draft:
        """A new draft with a fresh one-use token. Not stored yet."""
        return Draft(token=self.token(), phase=phase, **fields)
