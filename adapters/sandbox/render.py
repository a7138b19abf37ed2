"""Turns a photo into a short film: a real, playable H.264 MP4 with a camera that moves.

Two shots with a cross-fade: a slow push towards the subject, then a closer one that drifts past it, with a
sweep of light and a vignette. Where the film is taller than the photo, its blurred reflection goes on.
All pictures are made in planar YUV, as the encoder wants them: half the work of RGB, and no conversion.
The same photo and settings give the same bytes.
"""

import asyncio
import hashlib
import io
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from adapters.sandbox.camera import Box, Film, Shot, focus_of, sharp_part

Plane = npt.NDArray[np.uint8]
_LIMIT_PX = 2048
_FEATHER = 0.15
"""Share of the photo over which its edge melts into the fill."""


class NotAPhotoError(ValueError):
    """The bytes are no picture that can be opened."""


def render_film(photo: bytes, film: Film) -> bytes:
    """The whole MP4 (faststart). Blocks for about a second; raises `NotAPhotoError`."""
    stage = _Stage(_opened(photo), film)
    with tempfile.TemporaryDirectory(prefix="sandbox-film-") as folder:
        path = Path(folder) / "film.mp4"  # a file, because faststart reads back what it wrote
        with av.open(str(path), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as box:
            stream = box.add_stream("libx264", rate=film.fps, options=_X264)
            stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
            _tag(stream.codec_context)
            for n in range(film.frames):
                frame = av.VideoFrame.from_ndarray(stage.frame(n), format="yuv420p")
                frame.pts, frame.time_base = n, Fraction(1, film.fps)
                box.mux(stream.encode(frame))
            box.mux(stream.encode(None))
        return path.read_bytes()


_X264 = {"preset": "superfast", "crf": "23", "threads": "1"}


def _tag(context: Any) -> None:
    """BT.709, limited range: what players assume of such a film, said aloud."""
    context.colorspace, context.color_range = 1, 1
    context.color_primaries, context.color_trc = 1, 1
    context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no library version in the stream


def corrupted(film: bytes) -> bytes:
    """The same file with its index (moov) overwritten: right size, right type, not playable."""
    start = film.find(b"moov")
    if start < 4:
        return film[: len(film) // 2]
    size = int.from_bytes(film[start - 4 : start], "big") - 4
    noise = hashlib.sha256(film).digest() * (size // 32 + 1)
    return film[:start] + noise[:size] + film[start + size :]


def _opened(photo: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(photo)) as image:
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((_LIMIT_PX, _LIMIT_PX), Image.Resampling.LANCZOS)
            return upright.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as trouble:
        raise NotAPhotoError(f"not a picture: {type(trouble).__name__}") from trouble


@dataclass(frozen=True, slots=True)
class _Planes:
    """A picture as three grey images: brightness at full size, two colours at half."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    @classmethod
    def of(cls, image: Image.Image) -> "_Planes":
        even = image.crop((0, 0, max(2, image.width & ~1), max(2, image.height & ~1)))
        frame = av.VideoFrame.from_ndarray(np.asarray(even), format="rgb24").reformat(
            format="yuv444p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        full = frame.to_ndarray()
        y, u, v = (Image.fromarray(np.ascontiguousarray(full[n])) for n in range(3))
        return cls(y, u.reduce(2), v.reduce(2))

    def cut(self, box: Box, width: int, height: int) -> tuple[Plane, Plane, Plane]:
        """The part inside `box` (shares of the picture) at this size; sub-pixel exact: motion is smooth."""
        return (
            _resized(self.y, box, width, height),
            _resized(self.u, box, width // 2, height // 2),
            _resized(self.v, box, width // 2, height // 2),
        )


def _resized(plane: Image.Image, box: Box, width: int, height: int) -> Plane:
    w, h = plane.size
    part = (max(0.0, box.x0 * w), max(0.0, box.y0 * h), min(w, box.x1 * w), min(h, box.y1 * h))
    return np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC, part))


class _Stage:
    """Everything that is made once for a film; `frame` then puts one picture together."""

    def __init__(self, photo: Image.Image, film: Film) -> None:
        self._film = film
        large = _enough(photo.crop(sharp_part(photo)), film)
        scene = _widened(large, film)
        self._shots = film.shots(large.size, scene.size, focus_of(large))
        self._scene = _Planes.of(scene)
        self._light = _Light(film)

    def frame(self, n: int) -> Plane:
        """Frame `n` as one stacked YUV 4:2:0 array."""
        y, u, v = self._mixed(n)
        lit = self._light.on(y, n)
        width = self._film.width
        return np.concatenate([lit, u.reshape(-1, width), v.reshape(-1, width)])

    def _mixed(self, n: int) -> tuple[Plane, Plane, Plane]:
        first, second = self._shots
        weight = self._film.fade(n)
        if weight <= 0.0:
            return self._shot(first, n)
        if weight >= 1.0:
            return self._shot(second, n)
        pairs = zip(self._shot(first, n), self._shot(second, n), strict=True)
        y, u, v = (_blend(a, b, weight) for a, b in pairs)
        return y, u, v

    def _shot(self, shot: Shot, n: int) -> tuple[Plane, Plane, Plane]:
        return self._scene.cut(shot.box(shot.progress(n)), self._film.width, self._film.height)


def _enough(photo: Image.Image, film: Film) -> Image.Image:
    """A small photo is enlarged once, well, instead of badly for each frame."""
    factor = min(3.0, film.width * 1.2 / min(photo.size))
    if factor <= 1.0:
        return photo
    size = (round(photo.width * factor), round(photo.height * factor))
    return photo.resize(size, Image.Resampling.LANCZOS)


def _widened(photo: Image.Image, film: Film) -> Image.Image:
    """The photo with its own reflection, out of focus and dimmer, where the film needs more than there is."""
    view = film.scene(photo.width, photo.height)
    if view == photo.size:
        return photo
    left, top = (view[0] - photo.width) // 2, (view[1] - photo.height) // 2
    right, bottom = view[0] - photo.width - left, view[1] - photo.height - top
    pixels = np.pad(np.asarray(photo), ((top, bottom), (left, right), (0, 0)), mode="symmetric")
    whole = Image.fromarray(pixels)
    small = whole.resize((max(8, view[0] // 8), max(8, view[1] // 8)), Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(film.width / 50)).resize(view, Image.Resampling.BICUBIC)
    sharp = _ramp(view[1], top, photo.height)[:, None] * _ramp(view[0], left, photo.width)[None, :]
    dim = np.asarray(soft, dtype=np.float32) * (0.55 + 0.45 * sharp[..., None])
    mixed = dim + (pixels - dim) * sharp[..., None]
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _ramp(length: int, start: int, kept: int) -> npt.NDArray[np.float32]:
    """1 inside the photo, falling softly to 0 across its edges (only where something lies beyond them)."""
    if kept >= length:
        return np.ones(length, dtype=np.float32)
    soft = kept * _FEATHER
    inside = np.minimum(np.arange(length) - start, start + kept - 1 - np.arange(length)) / soft
    linear = np.clip(inside, 0, 1).astype(np.float32)
    return linear * linear * (3 - 2 * linear)


def _blend(a: Plane, b: Plane, weight: float) -> Plane:
    share = round(weight * 256)
    mixed = (a.astype(np.uint16) * (256 - share) + b.astype(np.uint16) * share) >> 8
    return mixed.astype(np.uint8)


class _Light:
    """Vignette and a sweep of light, as one factor for each pixel (128 = unchanged)."""

    def __init__(self, film: Film) -> None:
        self._film = film
        y, x = np.mgrid[0 : film.height, 0 : film.width].astype(np.float32)
        far = np.hypot((x / film.width - 0.5) * 1.1, (y / film.height - 0.5) * 1.05)
        self._base = np.round(128 * (1.03 - 0.62 * np.clip(far - 0.28, 0, None) ** 1.5)).astype(np.uint16)
        reach = np.arange(3 * film.width, dtype=np.float32)
        lean = np.arange(film.height, dtype=np.float32)[:, None] * 0.28
        beam = np.exp(
            -(((reach[None, :] - 1.5 * film.width - (film.height * 0.14) + lean) / (film.width * 0.17)) ** 2)
        )
        self._beam = np.round(30 * beam).astype(np.uint16)

    def on(self, y: Plane, n: int) -> Plane:
        """The brightness plane, lit for frame `n`; stays within the limited range 16..235."""
        width = self._film.width
        start = round(self._film.sweep(n) * 2 * width)
        factor = self._base + self._beam[:, 2 * width - start : 3 * width - start]
        lit = (np.maximum(y, 16).astype(np.uint16) - 16) * factor
        lit >>= 7
        made: Plane = np.minimum(lit + 16, 235).astype(np.uint8)
        return made


KEPT = 16
"""Films that a process remembers, about a megabyte each."""


@lru_cache(KEPT)
def _rendered(photo: bytes, film: Film) -> bytes:
    return render_film(photo, film)


class Renderer:
    """Films on demand, off the event loop; a process renders the same wish once and remembers it."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[bytes, Film], asyncio.Task[bytes]] = {}
        self._one = asyncio.Semaphore(1)

    async def film(self, photo: bytes, film: Film) -> bytes:
        """The MP4 for this photo. Raises `NotAPhotoError`."""
        key = (photo, film)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._render(photo, film))
            task.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(task)

    async def _render(self, photo: bytes, film: Film) -> bytes:
        async with self._one:
            return await asyncio.to_thread(_rendered, photo, film)
