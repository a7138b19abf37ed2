"""The adapters behind the engine's ports, built from settings."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiogram import Bot

from adapters import photo, video
from adapters.kie.catalogue import Catalogue
from adapters.kie.client import KieClient, KieSettings
from adapters.kie.keys import ApiKey, KeyRing, LocalHealth
from adapters.kie.library import VideoLibrary
from adapters.kie.maker import KieMaker, MakerConfig
from adapters.kie.photos import PhotoShelf
from adapters.telegram.client import make_bot
from adapters.telegram.courier import TelegramCourier
from adapters.telegram.files import fetch_photo
from adapters.telegram.ladder import Facts, Stock
from adapters.telegram.notifier import TelegramNotifier
from adapters.telegram.quiet import Quiet
from bot.notices import Notices
from bot.ports import FetchPhoto, Fitness, Offer
from bot.settings import Settings, SettingsError
from bot.wiring.tuning import Tuning
from engine.front import Engine
from engine.ports import Clock, Randomness
from states.vocabulary import Failure

_QUOTED: Final = 120
"""How much of a wrong word is repeated to the operator."""


@dataclass(frozen=True, slots=True)
class CatalogueOffers:
    """The catalogue as users see it (bot.ports.Offers)."""

    catalogue: Catalogue
    clock: Clock
    prices: dict[str, int]
    clip_s: int

    def offers(self) -> list[Offer]:
        """What may be chosen now, the default first."""
        return [
            Offer(
                id=model.id,
                title=model.title,
                price=self.prices.get(model.id, model.price_credits),
                expected_s=(round(model.expected_s * 0.7), round(model.expected_s * 1.8)),
                prompt_limit=model.prompt_max,
                duration_s=self.clip_s,
            )
            for model in self.catalogue.available(self.clock.now_ms())
        ]

    def title(self, model: str) -> str:
        """Public name of any model that ever was."""
        known = self.catalogue.get(model)
        return known.title if known is not None else ""


def make_catalogue(settings: Settings) -> Catalogue:
    """The models of this installation. Raises SettingsError for ids nobody knows."""
    try:
        catalogue = Catalogue(default=settings.model, disabled=settings.models_disabled)
    except ValueError as error:
        raise SettingsError(
            f"REELSTATE_MODEL or REELSTATE_MODELS_DISABLED: {str(error)[:_QUOTED]}."
        ) from error
    for model in settings.prices:
        if catalogue.get(model) is None:
            raise SettingsError(f"REELSTATE_PRICES names {model[:_QUOTED]}, which is not in the catalogue.")
    return catalogue


async def inspect_photo(data: bytes) -> Fitness:
    """The preflight, off the event loop (bot.ports.InspectPhoto)."""
    found = await asyncio.to_thread(photo.inspect, data)
    if isinstance(found, photo.PhotoReport):
        return Fitness()
    return Fitness(found.reason, found.fact, found.measured, found.limit, found.detail)


def make_telegram(settings: Settings, tuning: Tuning) -> Bot:
    """The Bot API client."""
    return make_bot(settings.bot_token.get_secret_value(), settings.telegram_api, tuning.telegram)


def photo_fetcher(bot: Bot, clock: Clock, tuning: Tuning) -> FetchPhoto:
    """Bytes of a Telegram file id, for the preflight and for the upload to the provider."""

    async def fetch(file_id: str) -> bytes | Failure:
        return await fetch_photo(bot, file_id, clock=clock, timeouts=tuning.telegram)

    return fetch


def make_maker(
    settings: Settings, catalogue: Catalogue, bot: Bot, clock: Clock, randomness: Randomness, tuning: Tuning
) -> tuple[KieMaker, KieClient]:
    """The provider, and its client to be closed."""
    client = KieClient(
        KieSettings(
            base_url=settings.kie_api,
            file_base_url=settings.kie_files,
            upload=tuning.upload,
            create=tuning.create,
            poll=tuning.poll,
            download=tuning.download,
        )
    )
    fetch = photo_fetcher(bot, clock, tuning)
    maker = KieMaker(
        client=client,
        keys=KeyRing([ApiKey(name, value.get_secret_value()) for name, value in settings.api_keys]),
        catalogue=catalogue,
        health=LocalHealth(clock),
        clock=clock,
        library=VideoLibrary(client, settings.data_dir / "videos"),
        photos=PhotoShelf(client, fetch, clock, randomness),
        config=MakerConfig(
            watch_s=tuning.watch_s,
            schedule=tuning.schedule,
            public_url=settings.public_url,
            callback_secret=settings.callback_secret.get_secret_value(),
        ),
    )
    return maker, client


def make_courier(
    bot: Bot, maker: KieMaker, notices: Notices, engine: Engine, tuning: Tuning, quiet: Quiet
) -> TelegramCourier:
    """Delivery: the video's file, its measures and thumbnail, the bot's words."""
    stock = Stock(
        dress=notices.dress,
        fetch_video=maker.fetch_video,
        inspect=_measure,
        open_url=lambda seen: seen.url,
    )
    return TelegramCourier(bot, stock, engine.store.randomness, timeouts=tuning.telegram, quiet=quiet)


async def _measure(path: Path) -> Facts | None:
    facts = await asyncio.to_thread(video.probe, path)
    if isinstance(facts, Failure):
        return None
    thumbnail = await asyncio.to_thread(video.thumbnail, path)
    small = None if isinstance(thumbnail, Failure) else thumbnail
    return Facts(facts.width, facts.height, facts.duration_s, small)


def make_notifier(
    bot: Bot, notices: Notices, engine: Engine, settings: Settings, tuning: Tuning, quiet: Quiet
) -> TelegramNotifier:
    """Notices and alerts."""
    return TelegramNotifier(
        bot,
        notices.render,
        engine.store.clock,
        admin_chat_id=settings.admin_chat_id,
        timeouts=tuning.telegram,
        quiet=quiet,
    )
