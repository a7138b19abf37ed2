"""A photo before it costs anything: can it be used, and if not, which measured fact says so.

The thresholds were set with a real photograph and its darkened, blurred and shrunk copies, so that a
product on a plain background, a dark table with a lit product and an ordinary phone picture all pass.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageFilter, ImageOps

from states.vocabulary import Reason

OPENERS = ("JPEG", "PNG", "WEBP")
"""Pillow calls a phone's JPEG with a depth map behind it MPO; its JPEG opener takes it."""
MIN_SIDE = 300
MAX_BYTES = 20_000_000
"""What a bot may download (core.telegram.org/bots/api#getfile)."""
MAX_PIXELS = 50_000_000
MIN_RATIO, MAX_RATIO = 0.4, 2.5
"""width / height that the models take."""
DARK_MEAN, DARK_LIGHTS = 40.0, 110.0
FLAT_STD = 6.0
BLUR_SHARPNESS = 15.0
MEASURE_SIDE = 640
TILES = 8

SIDE_MIN, SIDE_MAX = 600, 2048
"""Both sides of a prepared photo: what every model takes."""
OUT_BYTES = 9_500_000
WHITE = (255, 255, 255)

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""All that Pillow raises for a file that is not what it says."""


@dataclass(frozen=True, slots=True)
class PhotoFault:
    """Why a photo cannot be used: the reason and the number behind it, for the user to be told.

    `fact` names what was measured (`format`, `bytes`, `side_px`, `ratio`, `luminance`, `contrast`,
    `sharpness`, `pixels`, `frames`), `detail` a word for it (the format that was found).
    """

    reason: Reason
    fact: str
    measured: float = 0.0
    limit: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """A usable photo and what was measured of it. Luminance and contrast are of 255."""

    format: str
    size: int
    width: int
    height: int
    luminance: float
    contrast: float
    sharpness: float

    @property
    def ratio(self) -> float:
        """Width / height, as shown."""
        return self.width / self.height


def inspect(data: bytes) -> PhotoReport | PhotoFault:
    """Measure a photo; the first fact that rules it out is the answer. CPU work: call it in a thread."""
    if len(data) > MAX_BYTES:
        return PhotoFault(Reason.IMAGE_TOO_LARGE, "bytes", len(data), MAX_BYTES)
    picture = _opened(data)
    if isinstance(picture, PhotoFault):
        return picture
    kind = picture.format or ""
    upright = _upright(picture)
    if isinstance(upright, PhotoFault):
        return upright
    shape = _shape_fault(*upright.size)
    if shape is not None:
        return shape
    luminance, lights, contrast, sharpness = _measures(upright)
    report = PhotoReport(
        "JPEG" if kind == "MPO" else kind,
        len(data),
        *upright.size,
        luminance=round(luminance, 1),
        contrast=round(contrast, 1),
        sharpness=round(sharpness, 1),
    )
    return _look_fault(report, lights) or report


def prepare(data: bytes, aspect: str = "") -> bytes | PhotoFault:
    """The photo as every model takes it: upright, sRGB JPEG without metadata, sides 600-2048, under 10 MB.

    `aspect` such as "9:16" pads it to that shape over a blurred copy of itself; "" keeps its own shape
    within the models' limits. Nothing of the photo is cut off.
    """
    picture = _opened(data)
    if isinstance(picture, PhotoFault):
        return picture
    upright = _upright(picture)
    if isinstance(upright, PhotoFault):
        return upright
    ratio = _ratio(aspect) or min(MAX_RATIO, max(MIN_RATIO, upright.width / upright.height))
    return _jpeg(_padded(upright, *_canvas(upright.size, ratio)))


def sniff(data: bytes) -> str:
    """What a file is, by its first bytes, for the words "you sent a ..."; "" when nobody knows."""
    if data[4:8] == b"ftyp":
        brand = data[8:12].decode("ascii", "replace").lower()
        if brand in ("avif", "avis"):
            return "avif"
        return "heic" if brand[:3] in ("hei", "hev", "mif", "msf") else "video"
    heads = {
        b"GIF8": "gif",
        b"BM": "bmp",
        b"II*\0": "tiff",
        b"MM\0*": "tiff",
        b"%PDF": "pdf",
        b"PK\3\4": "zip",
    }
    heads |= {b"<svg": "svg", b"<?xml": "svg", b"\x1aE\xdf\xa3": "video", b"\xff\xd8\xff": "jpeg"}
    heads |= {b"\x89PNG": "png", b"RIFF": "webp"}
    return next((name for head, name in heads.items() if data.startswith(head)), "")


def _opened(data: bytes) -> Image.Image | PhotoFault:
    """The picture with its header read: one still frame of a size that can be decoded safely."""
    try:
        picture = Image.open(io.BytesIO(data), formats=OPENERS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return PhotoFault(Reason.IMAGE_TOO_LARGE, "pixels", limit=MAX_PIXELS)
    except BROKEN:
        kind = sniff(data)
        known = kind in ("jpeg", "png", "webp")
        return PhotoFault(Reason.INVALID_IMAGE if known else Reason.BAD_FORMAT, "format", detail=kind)
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        return PhotoFault(Reason.IMAGE_TOO_LARGE, "pixels", pixels, MAX_PIXELS)
    frames = int(getattr(picture, "n_frames", 1)) if picture.format != "MPO" else 1
    if frames > 1:
        return PhotoFault(Reason.BAD_FORMAT, "frames", frames, 1, detail=f"animated {picture.format}".lower())
    return picture


def _upright(picture: Image.Image) -> Image.Image | PhotoFault:
    """Decoded, turned as its EXIF says, in sRGB, transparency on white."""
    try:
        picture.load()
        turned = ImageOps.exif_transpose(picture)
        return _srgb(turned)
    except BROKEN as error:
        return PhotoFault(Reason.INVALID_IMAGE, "format", detail=type(error).__name__)


def _srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*WHITE, 255))
        ground.alpha_composite(picture)
        picture = ground.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            return converted if converted is not None else picture.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            return picture.convert("RGB")  # a broken profile: the plain conversion shows the same picture
    return picture.convert("RGB")


def _shape_fault(width: int, height: int) -> PhotoFault | None:
    if min(width, height) < MIN_SIDE:
        return PhotoFault(Reason.IMAGE_TOO_SMALL, "side_px", min(width, height), MIN_SIDE)
    ratio = width / height
    if not MIN_RATIO <= ratio <= MAX_RATIO:
        limit = MIN_RATIO if ratio < MIN_RATIO else MAX_RATIO
        return PhotoFault(Reason.INVALID_IMAGE, "ratio", round(ratio, 2), limit)
    return None


def _look_fault(report: PhotoReport, lights: float) -> PhotoFault | None:
    if report.luminance < DARK_MEAN and lights < DARK_LIGHTS:
        return PhotoFault(Reason.IMAGE_TOO_DARK, "luminance", report.luminance, DARK_MEAN)
    if report.contrast < FLAT_STD:
        return PhotoFault(Reason.NO_PRODUCT, "contrast", report.contrast, FLAT_STD)
    if report.sharpness < BLUR_SHARPNESS:
        return PhotoFault(Reason.IMAGE_BLURRY, "sharpness", report.sharpness, BLUR_SHARPNESS)
    return None


def _measures(picture: Image.Image) -> tuple[float, float, float, float]:
    """Mean luminance, its 98th percentile (the lights), its deviation, and sharpness.

    Sharpness is the variance of the Laplacian in the sharpest tiles of 8 x 8: a plain background, sharp
    or not, says nothing, and a single caption or watermark does not save a blurred picture.
    """
    small = picture.copy()
    small.thumbnail((MEASURE_SIDE, MEASURE_SIDE))
    grey = np.asarray(small.convert("L"), dtype=np.float32)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    high, wide = laplacian.shape[0] // TILES, laplacian.shape[1] // TILES
    tiles = laplacian[: high * TILES, : wide * TILES].reshape(TILES, high, TILES, wide).var(axis=(1, 3))
    return (
        float(grey.mean()),
        float(np.percentile(grey, 98)),
        float(grey.std()),
        float(np.percentile(tiles, 95)),
    )


def _ratio(aspect: str) -> float | None:
    wide, _, high = aspect.partition(":")
    return int(wide) / int(high) if wide.isdigit() and high.isdigit() and int(high) else None


def _canvas(size: tuple[int, int], ratio: float) -> tuple[int, int]:
    """The smallest canvas of that ratio around the picture, scaled into the limits of the sides."""
    height = max(float(size[1]), size[0] / ratio)
    width = height * ratio
    scale = min(1.0, SIDE_MAX / max(width, height))
    scale = max(scale, SIDE_MIN / min(width, height))
    even = [min(SIDE_MAX, max(SIDE_MIN, round(side * scale / 2) * 2)) for side in (width, height)]
    return even[0], even[1]


def _padded(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The whole picture in the middle of the canvas, a blurred and dimmed copy of it behind."""
    front = ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
    if abs(front.width - width) <= 2 and abs(front.height - height) <= 2:
        return (
            front.resize((width, height), Image.Resampling.LANCZOS)
            if front.size != (width, height)
            else front
        )
    back = ImageOps.fit(picture, (width // 8, height // 8), Image.Resampling.BOX)
    back = back.filter(ImageFilter.GaussianBlur(max(width, height) / 160)).point(lambda value: value * 0.85)
    canvas = back.resize((width, height), Image.Resampling.BICUBIC)
    canvas.paste(front, ((width - front.width) // 2, (height - front.height) // 2))
    return canvas


def _jpeg(picture: Image.Image) -> bytes:
    data = b""
    for quality in (92, 85, 75):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= OUT_BYTES:
            break
    return data
