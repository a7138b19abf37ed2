"""Where the media of a call comes from: bytes sent along, an address to fetch, or an id known already.

Outside facts (Bot API): addresses serve up to 20 MB (photos 5 MB), uploads 50 MB (photos 10 MB), ids any
size. The sandbox fetches from loopback only.
"""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from adapters.sandbox.telegram_files import NoPicture, StoredFile
from adapters.sandbox.telegram_request import Call, Upload
from adapters.sandbox.telegram_state import Json, World, bad_request

URL_LIMIT = 20 * 1024 * 1024
URL_PHOTO_LIMIT = 5 * 1024 * 1024
PHOTO_LIMIT = 10 * 1024 * 1024
THUMB_LIMIT = 200 * 1024
FETCH_TIMEOUT_S = 20.0

_WORD = {"photo": "Photo", "video": "Video", "document": "Document"}


@dataclass(frozen=True, slots=True)
class Media:
    """What a call says of one medium. `source` is a file id, an address or `attach://name`."""

    kind: str
    source: str
    thumbnail: str = ""
    given: Json = field(default_factory=dict)
    """width, height, duration as the bot told them."""

    @classmethod
    def of_call(cls, call: Call, kind: str) -> "Media":
        """The medium of sendPhoto, sendVideo, sendDocument."""
        source = f"attach://{kind}" if kind in call.files else call.text(kind)
        given = {name: call.number(name) for name in ("width", "height", "duration")}
        thumbnail = "attach://thumbnail" if "thumbnail" in call.files else call.text("thumbnail")
        return cls(kind, source, thumbnail, given)

    @classmethod
    def of_input(cls, raw: Any) -> "Media":
        """The medium of an InputMedia. Refused when it is none."""
        if not isinstance(raw, dict) or raw.get("type") not in _WORD:
            raise bad_request("can't parse InputMedia: type is invalid")
        given = {name: int(raw.get(name) or 0) for name in ("width", "height", "duration")}
        return cls(str(raw["type"]), str(raw.get("media") or ""), str(raw.get("thumbnail") or ""), given)


async def media_of(world: World, call: Call, media: Media) -> Json:
    """The media field of a message body (`{"video": {...}}`). Refused as Telegram refuses."""
    if not media.source:
        raise bad_request(f"there is no {media.kind} in the request")
    known = world.files.get(media.source)
    if known is not None:
        return _known(world, media, known)
    if media.source.startswith("attach://"):
        upload = call.files.get(media.source.removeprefix("attach://"))
        if upload is None:
            raise bad_request(f"there is no {media.kind} in the request")
    elif media.source.startswith(("http://", "https://")):
        upload = await _fetch(media)
    else:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return await _new(world, call, media, upload)


def _known(world: World, media: Media, stored: StoredFile) -> Json:
    if stored.kind != media.kind:
        raise bad_request("type of file mismatch")
    if media.kind != "photo":
        return {media.kind: stored.media}
    return {"photo": world.files.sizes(stored)}


async def _new(world: World, call: Call, media: Media, upload: Upload) -> Json:
    if media.kind == "photo":
        return {"photo": await _photo(world, upload)}
    thumb = _thumb(world, call, media)
    if media.kind == "video":
        made = await asyncio.to_thread(world.files.add_video, upload.data, upload.name, media.given, thumb)
        if made is not None:
            return {"video": made}
    return {"document": world.files.add_document(upload.data, upload.name, upload.mime, thumb)}


async def _photo(world: World, upload: Upload) -> list[Json]:
    if len(upload.data) > PHOTO_LIMIT:
        raise bad_request(f"file of size {len(upload.data)} bytes is too big for a photo")
    try:
        return await asyncio.to_thread(world.files.add_photo, upload.data)
    except NoPicture:
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def _thumb(world: World, call: Call, media: Media) -> Json | None:
    """The thumbnail sent along; one that breaks Telegram's rules is left out in silence, as there."""
    upload = call.files.get(media.thumbnail.removeprefix("attach://")) if media.thumbnail else None
    if upload is None or len(upload.data) > THUMB_LIMIT:
        return None
    return world.files.add_thumb(upload.data)


async def _fetch(media: Media) -> Upload:
    """Fetch an address. Refused with Telegram's one sentence, whatever went wrong."""
    failed = bad_request("failed to get HTTP URL content")
    url = URL(media.source)
    if not _on_loopback(url.host or ""):
        raise failed
    limit = URL_PHOTO_LIMIT if media.kind == "photo" else URL_LIMIT
    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                raise failed
            data = bytearray()
            async for chunk in answer.content.iter_chunked(256 * 1024):
                data += chunk
                if len(data) > limit:
                    raise failed
            if answer.content_type.startswith("text/"):
                raise bad_request("wrong type of the web page content")
    except (aiohttp.ClientError, TimeoutError):
        raise failed from None
    return Upload(url.name or "file", answer.content_type, bytes(data))


def _on_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
