"""A photo (or image document) comes in: preflight before anything is charged, then the proposal."""

from dataclasses import dataclass, replace
from typing import Final

from aiogram import F, Router
from aiogram.types import Message

from bot.desk import Guest
from bot.drafts import Draft, Phase
from bot.notices import reason_key
from bot.ports import Fitness
from bot.routers.proposals import propose, tell
from bot.routers.wishes import told_wishes
from bot.talk import send, undress
from bot.texts import Html
from states.classify import classify_telegram_error
from states.vocabulary import ErrorClass, Failure, Reason

DOWNLOAD_BYTES: Final = 20_000_000
"""Telegram serves a bot no larger file (core.telegram.org/bots/api#getfile)."""
_ALBUM_KEY: Final = "album"
_ALBUM_TTL_S: Final = 24 * 3600
_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".avif")
_SPECIAL: Final = {
    (Reason.INVALID_IMAGE, "ratio"): "reason-image-stretched",
    (Reason.INVALID_IMAGE, "format"): "reason-image-broken",
}
"""Measured facts that say more than their reason's general words."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was sent: Telegram's id of it, its weight, its album."""

    file_id: str
    size: int
    album: str
    caption: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Telegram does not hand the photo over just now: nobody's fault."""


def picture_of(message: Message) -> Picture | None:
    """The largest size of a photo, or a document that says it is an image."""
    album, caption = message.media_group_id or "", message.caption or ""
    if message.photo:
        best = message.photo[-1]
        return Picture(best.file_id, best.file_size or 0, album, caption)
    file = message.document
    if file is None:
        return None
    image = (file.mime_type or "").startswith("image/") or (file.file_name or "").lower().endswith(_SUFFIXES)
    return Picture(file.file_id, file.file_size or 0, album, caption) if image else None


async def photo(message: Message, guest: Guest) -> None:
    """A picture in any state begins a proposal (or joins its album's)."""
    picture = picture_of(message)
    if picture is None:
        await _not_an_image(guest)
        return
    draft = await guest.desk.drafts.load(guest.user_id)
    if draft is not None and picture.album and draft.album == picture.album:
        await _next_of_album(guest, draft, picture)
    else:
        await _first(guest, draft, picture)


async def _not_an_image(guest: Guest) -> None:
    key = reason_key(Reason.BAD_FORMAT)
    await tell(
        guest,
        "preflight",
        title=guest.say(f"{key}.title"),
        cause=guest.say("got-document"),
        advice=guest.say(f"{key}.advice"),
    )


async def preflight(guest: Guest, file_id: str, size: int = 0) -> Fitness | Unread:
    """Measure a photo before it costs anything."""
    if size > DOWNLOAD_BYTES:
        return _heavy(size)
    data = await guest.desk.fetch_photo(file_id)
    if isinstance(data, Failure):
        blamed = classify_telegram_error(data).cls is ErrorClass.USER
        return _heavy(size) if blamed else Unread()
    return await guest.desk.inspect_photo(data)


def _heavy(size: int) -> Fitness:
    return Fitness(Reason.IMAGE_TOO_LARGE, "bytes" if size else "", size, DOWNLOAD_BYTES)


async def _first(guest: Guest, old: Draft | None, picture: Picture) -> None:
    fitness = await preflight(guest, picture.file_id, picture.size)
    if isinstance(fitness, Fitness) and fitness.reason is None:
        await _begin(guest, old, await _with_caption(guest, picture))
    elif not await _told_before(guest, picture):
        await _refuse(guest, fitness)


async def _told_before(guest: Guest, picture: Picture) -> bool:
    """Whether a picture of this album was refused before: the others are tried, but not refused singly."""
    if not picture.album:
        return False
    seen = await guest.desk.engine.recall(guest.user_id, _ALBUM_KEY)
    if seen is not None and seen.decode().partition("\n")[0] == picture.album:
        return True
    value = f"{picture.album}\n{picture.caption}".encode()
    await guest.desk.engine.remember(guest.user_id, _ALBUM_KEY, value, _ALBUM_TTL_S)
    return False


async def _with_caption(guest: Guest, picture: Picture) -> Picture:
    """The caption of an album stands on one of its pictures, perhaps on a refused one."""
    if picture.caption or not picture.album:
        return picture
    seen = await guest.desk.engine.recall(guest.user_id, _ALBUM_KEY)
    album, _, caption = (seen or b"").decode().partition("\n")
    return replace(picture, caption=caption) if album == picture.album else picture


async def _begin(guest: Guest, old: Draft | None, picture: Picture) -> None:
    """A new draft with a fresh one-use token; the choices of an open one are kept."""
    kept = {"wishes": old.wishes, "template": old.template, "model": old.model} if old and old.open else {}
    if picture.caption:
        kept["wishes"] = told_wishes(picture.caption)
    photos = (picture.file_id,) if picture.album else ()
    draft = guest.desk.drafts.begin(
        Phase.CHOICE, photo=picture.file_id, album=picture.album, album_photos=photos, **kept
    )
    if old is not None and old.open:
        await undress(guest.desk.bot, guest.chat_id, old.message_id)
    await propose(guest, draft)


async def _next_of_album(guest: Guest, draft: Draft, picture: Picture) -> None:
    """A further picture of the album that was answered already: one answer for all of them."""
    if not draft.open:
        return  # launched with the photo it has: the album had its answer
    longer = draft.with_album_photo(picture.file_id)
    if picture.caption and not longer.wishes:
        longer = longer.changed(wishes=told_wishes(picture.caption))
    if draft.album_told:
        await guest.desk.drafts.save(guest.user_id, longer)
        return
    await propose(guest, longer.noted_album(), message_id=draft.message_id)
    await tell(guest, "album-note")


async def next_photo(guest: Guest, draft: Draft) -> Draft | None:
    """The draft with the next picture of its album that passes the preflight; None when there is no other."""
    at = draft.album_photos.index(draft.photo) if draft.photo in draft.album_photos else 0
    for file_id in (*draft.album_photos[at + 1 :], *draft.album_photos[:at]):
        fitness = await preflight(guest, file_id)
        if isinstance(fitness, Fitness) and fitness.reason is None:
            return draft.changed(photo=file_id)
    return None


async def _refuse(guest: Guest, fitness: Fitness | Unread) -> None:
    """Say the measured reason in the user's words; nothing was charged."""
    if isinstance(fitness, Unread):
        await tell(guest, "photo-unread")
        return
    reason = fitness.reason or Reason.INVALID_IMAGE
    key = _SPECIAL.get((reason, fitness.fact)) or reason_key(reason)
    cause = Html("\n".join(filter(None, (guest.say(key), _measured(guest, fitness)))))
    text = guest.say(
        "preflight", title=guest.say(f"{key}.title"), cause=cause, advice=guest.say(f"{key}.advice")
    )
    await send(guest.desk.bot, guest.chat_id, text)


def _measured(guest: Guest, fitness: Fitness) -> str:
    """The number behind a refusal, e.g. `Brightness 12 of 255, 40 or more are needed.`"""
    key = "measured-" + fitness.fact.replace("_", "-")
    if not guest.desk.texts.has(key) or (fitness.fact == "format" and not fitness.detail):
        return ""
    million = fitness.fact in ("bytes", "pixels")
    values: dict[str, str] = {
        "measured": f"{fitness.measured / 1e6 if million else fitness.measured:.3g}",
        "limit": f"{fitness.limit / 1e6 if million else fitness.limit:g}",
        "detail": fitness.detail.upper(),
    }
    return guest.say(key, **values)


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="photos")
    router.message.register(photo, F.photo)
    router.message.register(photo, F.document)
    return router
