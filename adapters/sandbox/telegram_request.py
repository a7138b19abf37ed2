"""One method call as it came over the wire: JSON, form or multipart (chunked, so no length is trusted)."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from adapters.sandbox.telegram_state import Refused, bad_request

UPLOAD_LIMIT = 50 * 1024 * 1024
"""Largest file a bot may upload, bytes (Bot API)."""

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A method call. Parameters are texts (form, multipart) or JSON values."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text."""
        value = self.params.get(name)
        return default if value is None else str(value)

    def number(self, name: str, default: int = 0) -> int:
        """A parameter as an integer. Refused when it is none."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise bad_request(f"parameter {name} must be an integer") from None

    def flag(self, name: str) -> bool:
        """A parameter as a yes or no."""
        return self.text(name).lower() in {"true", "1", "yes"}

    def value(self, name: str) -> Any:
        """A parameter that is JSON by nature (keyboards, media, entities); None when left out."""
        value = self.params.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def context(self) -> dict[str, Any]:
        """What a fault may ask of the call."""
        media = self.text("media")
        return {
            **{key: value for key, value in self.params.items() if isinstance(value, str | int)},
            "has_video": self.method == "sendVideo" or '"type":"video"' in media.replace(" ", ""),
            "has_file": bool(self.files),
        }


async def read_call(request: web.Request, method: str) -> Call:
    """Read a call to its last byte. Raises Refused 413 when a file is larger than a bot may send."""
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "multipart/form-data":
        files = await _multipart(request, params)
        return Call(method, params, files)
    if request.content_type == "application/json":
        with contextlib.suppress(ValueError):
            body = await request.json()
            params.update(body if isinstance(body, dict) else {})
        return Call(method, params)
    params.update({key: str(value) for key, value in (await request.post()).items()})
    return Call(method, params)


async def _multipart(request: web.Request, params: dict[str, Any]) -> dict[str, Upload]:
    files: dict[str, Upload] = {}
    too_large = False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = await _part(part)
        name = part.name or ""
        if part.filename is None:
            params[name] = (data or b"").decode()
        elif data is None:
            too_large = True
        else:
            mime = part.headers.get("Content-Type", "application/octet-stream")
            files[name] = Upload(part.filename, mime, data)
    if too_large:
        raise Refused(413, "Request Entity Too Large")
    return files


async def _part(part: BodyPartReader) -> bytes | None:
    """A part's bytes; None when there are too many (they are read to the end all the same)."""
    kept = bytearray()
    fits = True
    while chunk := await part.read_chunk(_CHUNK):
        fits = fits and len(kept) + len(chunk) <= UPLOAD_LIMIT
        if fits:
            kept += chunk
    return bytes(kept) if fits else None
