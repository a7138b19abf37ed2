"""The desk a guest is served at: everything a handler may use, handed in once by the wiring."""

from dataclasses import dataclass
from typing import Final

from aiogram import Bot

from bot.drafts import Drafts
from bot.keyboards import Keyboards
from bot.notices import Notices
from bot.ports import DropVideos, Engine, FetchPhoto, Incidents, InspectPhoto, Offer, Offers
from bot.texts import LANGUAGES, Html, Texts, language_of
from engine.errors import StoreUnavailable

LANGUAGE_KEY: Final = "lang"
LANGUAGE_TTL_S: Final = 5 * 365 * 24 * 3600
"""A choice outlives any pause a user makes."""


@dataclass(frozen=True, slots=True)
class House:
    """What the operator decided, as far as the conversation needs it."""

    trial_credits: int = 2
    support: str = ""
    """A handle like `@shop_help`; "" sends questions to the admin chat by /support."""
    min_side: int = 300
    """Shorter side a photo must have, pixels (what the preflight asks for)."""
    admin_chat_id: int = 0
    admin_ids: frozenset[int] = frozenset()

    @property
    def support_words(self) -> str:
        """Whom a text tells to write to."""
        return self.support or "/support"


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything behind a handler."""

    bot: Bot
    engine: Engine
    offers: Offers
    fetch_photo: FetchPhoto
    inspect_photo: InspectPhoto
    drafts: Drafts
    texts: Texts
    keyboards: Keyboards
    notices: Notices
    house: House
    drop_videos: DropVideos
    incidents: Incidents | None = None
    """The operator's open incidents (`engine.alerts.Alerts`); None where nobody tells them."""

    def is_admin(self, user_id: int, chat_id: int) -> bool:
        """Whether commands of operators are taken from here."""
        in_chat = self.house.admin_chat_id != 0 and chat_id == self.house.admin_chat_id
        return in_chat or user_id in self.house.admin_ids

    def chosen(self, model: str) -> Offer | None:
        """The offer of a model, or the default when it is not offered (any more); None when none is."""
        offers = self.offers.offers()
        return next((offer for offer in offers if offer.id == model), offers[0] if offers else None)

    async def balance(self, user_id: int) -> int | None:
        """Free credits, or None when they cannot be read just now: an error is not a zero."""
        try:
            return (await self.engine.account(user_id)).balance
        except StoreUnavailable:
            return None

    async def language(self, user_id: int, code: str | None) -> str:
        """The user's own choice, else what their Telegram speaks."""
        chosen = (await self.engine.recall(user_id, LANGUAGE_KEY) or b"").decode("ascii", "replace")
        return chosen if chosen in LANGUAGES else language_of(code)


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is served: resolved once for each update."""

    user_id: int
    chat_id: int
    lang: str
    desk: Desk

    def say(self, key: str, /, **values: str | float) -> Html:
        """A text in the guest's language."""
        return self.desk.texts.say(self.lang, key, **values)
