"""Files of the sandbox's Telegram: ids that work, photos re-compressed into sizes, films measured.

Outside facts (Bot API, tdlib): getFile serves up to 20 MB; photos come back as JPEG in several sizes; a file
that is no film comes back from sendVideo as a document, and its id is then refused by sendVideo.
"""

import io
import itertools
from dataclasses import dataclass
from typing import Any

import av
from PIL import Image, ImageOps, UnidentifiedImageError

Json = dict[str, Any]

DOWNLOAD_LIMIT = 20 * 1024 * 1024
PROBE_LIMIT = 10 * 1024 * 1024
"""Telegram itself does not look into larger films."""
PHOTO_SIDES = (90, 320, 1280)
"""Longest sides of the sizes a photo is kept in, pixels."""

_PREFIX = {
    "photo": "AgACAgIAAxkDAAM",
    "video": "BAACAgIAAxkDAAN",
    "document": "BQACAgIAAxkDAAP",
    "thumb": "AAMCAgADGQMAA",
}
_FOLDER = {"photo": "photos", "video": "videos", "thumb": "thumbnails"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file with the id the bot knows it by. An id is only good for its own kind."""

    file_id: str
    unique_id: str
    kind: str
    """`photo`, `video`, `document`, `thumb`, `sticker`, `voice` ..."""
    path: str
    name: str
    mime: str
    data: bytes
    media: Json
    """The Bot API object (PhotoSize, Video, Document ...) that shows it."""


class NoPicture(ValueError):  # noqa: N818 - what it says
    """The bytes are not a picture."""


class FileStore:
    """Every file either side has sent."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._paths: dict[str, str] = {}
        self._sizes: dict[str, list[Json]] = {}
        self._numbers = itertools.count(1)

    def get(self, file_id: str) -> StoredFile | None:
        """The file of this id."""
        return self._files.get(file_id)

    def at(self, path: str) -> StoredFile | None:
        """The file behind a getFile path."""
        return self._files.get(self._paths.get(path, ""))

    def forget(self, file_id: str) -> None:
        """Let an id go stale, as Telegram's sometimes do."""
        self._files.pop(file_id, None)

    def add(self, kind: str, data: bytes, name: str, mime: str, **media: Any) -> StoredFile:
        """Keep a file; `media` holds the further fields of its Bot API object."""
        number = next(self._numbers)
        suffix = name.rsplit(".", 1)[-1] if "." in name else "bin"
        file_id = f"{_PREFIX.get(kind, 'CgACAgIAAxkDAAQ')}{number:06d}sandbox"
        unique = f"AQAD{number:06d}"
        path = f"{_FOLDER.get(kind, 'documents')}/file_{number}.{suffix}"
        shown = {"file_id": file_id, "file_unique_id": unique, "file_size": len(data), **media}
        stored = StoredFile(file_id, unique, kind, path, name, mime, data, shown)
        self._files[file_id] = stored
        self._paths[path] = file_id
        return stored

    def add_photo(self, data: bytes) -> list[Json]:
        """A photo's PhotoSize list, smallest first. Raises NoPicture."""
        sizes = []
        for jpeg, width, height in photo_sizes(data):
            stored = self.add("photo", jpeg, "photo.jpg", "image/jpeg", width=width, height=height)
            sizes.append(stored.media)
            self._sizes[stored.file_id] = sizes
        return sizes

    def sizes(self, stored: StoredFile) -> list[Json]:
        """All sizes of the photo that one of its ids names."""
        return self._sizes[stored.file_id]

    def add_document(self, data: bytes, name: str, mime: str, thumb: Json | None = None) -> Json:
        """A Document."""
        extra = {"thumbnail": thumb} if thumb else {}
        return self.add("document", data, name, mime, file_name=name, mime_type=mime, **extra).media

    def add_thumb(self, data: bytes) -> Json | None:
        """A thumbnail's PhotoSize; None when the bytes are no picture."""
        try:
            width, height = Image.open(io.BytesIO(data)).size
        except (UnidentifiedImageError, OSError):
            return None
        return self.add("thumb", data, "thumb.jpg", "image/jpeg", width=width, height=height).media

    def add_video(self, data: bytes, name: str, given: Json, thumb: Json | None) -> Json | None:
        """A Video, or None when the bytes are no film. `given`: width, height, duration of the request."""
        if not is_film(data):
            return None
        seen = probe(data) if len(data) <= PROBE_LIMIT else {}
        blank = {"width": 320, "height": 320, "duration": 0}
        measured = {**blank, **seen, **{key: value for key, value in given.items() if value}}
        extra = {"thumbnail": thumb} if thumb else {}
        stored = self.add(
            "video", data, name, "video/mp4", file_name=name, mime_type="video/mp4", **measured, **extra
        )
        return stored.media


def is_film(data: bytes) -> bool:
    """Whether the bytes begin like an MP4."""
    return data[4:8] == b"ftyp"


def probe(data: bytes) -> Json:
    """Width, height and duration (s) of a film; empty when it cannot be opened."""
    try:
        with av.open(io.BytesIO(data), "r") as film:
            stream = film.streams.video[0]
            seconds = round((film.duration or 0) / 1_000_000)
            return {"width": stream.width, "height": stream.height, "duration": seconds}
    except (av.FFmpegError, IndexError):
        return {}


def photo_sizes(data: bytes) -> list[tuple[bytes, int, int]]:
    """JPEGs (bytes, width, height) of a picture, smallest first. Raises NoPicture."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as trouble:
        raise NoPicture(str(trouble)) from trouble
    longest = max(picture.size)
    sides = sorted({min(side, longest) for side in PHOTO_SIDES})
    return [_shrunk(picture, side) for side in sides]


def _shrunk(picture: Image.Image, side: int) -> tuple[bytes, int, int]:
    copy = picture.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=87)
    return out.getvalue(), copy.width, copy.height
