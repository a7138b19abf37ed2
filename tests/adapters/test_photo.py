"""Preflight of photos: thresholds on a real photograph and its spoilt copies."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from adapters.photo import PhotoFault, PhotoReport, inspect, prepare, sniff
from states.vocabulary import Reason

COFFEE = Path(__file__).parents[1] / "data" / "coffee.jpg"


@pytest.fixture(scope="module")
def coffee() -> Image.Image:
    with Image.open(COFFEE) as picture:
        picture.load()
        return picture.convert("RGB")


def coded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def fault(data: bytes) -> PhotoFault:
    got = inspect(data)
    assert isinstance(got, PhotoFault), got
    return got


def report(data: bytes) -> PhotoReport:
    got = inspect(data)
    assert isinstance(got, PhotoReport), got
    return got


def opened(data: bytes | PhotoFault) -> Image.Image:
    assert isinstance(data, bytes), data
    return Image.open(io.BytesIO(data))


# --- what passes --------------------------------------------------------------------------------


def test_a_good_photo_is_measured() -> None:
    got = report(COFFEE.read_bytes())
    assert (got.format, got.width, got.height, got.ratio) == ("JPEG", 1200, 800, 1.5)
    assert got.luminance == pytest.approx(104, abs=2)
    assert got.contrast > 50
    assert got.sharpness > 1000


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_formats(coffee: Image.Image, kind: str) -> None:
    assert report(coded(coffee, kind)).format == kind


@pytest.mark.parametrize("ground", ["white", "black"])
def test_a_small_product_on_a_plain_ground_passes(coffee: Image.Image, ground: str) -> None:
    canvas = Image.new("RGB", (1200, 1200), ground)
    canvas.paste(coffee.resize((360, 240)), (300, 400))
    report(coded(canvas))


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.4])
def test_ordinary_light_passes(coffee: Image.Image, factor: float) -> None:
    report(coded(ImageEnhance.Brightness(coffee).enhance(factor)))


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_a_soft_photo_passes(coffee: Image.Image, radius: float) -> None:
    report(coded(coffee.filter(ImageFilter.GaussianBlur(radius))))


def test_a_phones_jpeg_with_a_second_picture_is_a_jpeg(coffee: Image.Image) -> None:
    data = coded(coffee, "MPO", save_all=True, append_images=[coffee.resize((600, 400))])
    assert report(data).format == "JPEG"


def test_a_transparent_product_is_seen_on_white(coffee: Image.Image) -> None:
    cut = coffee.convert("RGBA")
    cut.putalpha(Image.new("L", cut.size, 0))
    assert fault(coded(cut, "PNG")).reason is Reason.NO_PRODUCT
    cut.putalpha(Image.new("L", cut.size, 255))
    report(coded(cut, "PNG"))


# --- what does not ------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.05, 0.2, 0.3])
def test_too_dark(coffee: Image.Image, factor: float) -> None:
    got = fault(coded(ImageEnhance.Brightness(coffee).enhance(factor)))
    assert (got.reason, got.fact, got.limit) == (Reason.IMAGE_TOO_DARK, "luminance", 40)
    assert got.measured == pytest.approx(103.6 * factor, abs=2)


@pytest.mark.parametrize("radius", [4, 6, 12])
def test_too_blurry(coffee: Image.Image, radius: float) -> None:
    got = fault(coded(coffee.filter(ImageFilter.GaussianBlur(radius))))
    assert (got.reason, got.fact) == (Reason.IMAGE_BLURRY, "sharpness")
    assert got.measured < got.limit


def test_too_small(coffee: Image.Image) -> None:
    got = fault(coded(coffee.resize((420, 280))))
    assert (got.reason, got.measured, got.limit) == (Reason.IMAGE_TOO_SMALL, 280, 300)


@pytest.mark.parametrize(("size", "limit"), [((1200, 400), 2.5), ((320, 1200), 0.4)])
def test_too_narrow(coffee: Image.Image, size: tuple[int, int], limit: float) -> None:
    got = fault(coded(coffee.resize(size)))
    assert (got.reason, got.fact, got.limit) == (Reason.INVALID_IMAGE, "ratio", limit)


def test_too_heavy() -> None:
    got = fault(COFFEE.read_bytes() + b"\0" * 20_000_000)
    assert (got.reason, got.fact) == (Reason.IMAGE_TOO_LARGE, "bytes")


def test_a_blank_picture_shows_no_product() -> None:
    assert fault(coded(Image.new("RGB", (800, 800), "white"))).reason is Reason.NO_PRODUCT


@pytest.mark.parametrize("side", [8_000, 30_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head
    data += struct.pack(">I", zlib.crc32(b"IHDR" + head)) + struct.pack(">I", 9) + b"IDAT" + b"\0" * 13
    got = fault(data)
    assert (got.reason, got.fact) == (Reason.IMAGE_TOO_LARGE, "pixels")


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_truncated_photo(kept: float) -> None:
    data = COFFEE.read_bytes()
    assert fault(data[: int(len(data) * kept)]).reason is Reason.INVALID_IMAGE


def test_an_animation_is_not_a_photo(coffee: Image.Image) -> None:
    data = coded(coffee, "WEBP", save_all=True, append_images=[coffee.rotate(90)])
    got = fault(data)
    assert (got.reason, got.fact, got.detail) == (Reason.BAD_FORMAT, "frames", "animated webp")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF89a....", "gif"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "heic"),
        (b"\0\0\0\x18ftypmif1" + b"\0" * 40, "heic"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 40, "avif"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 40, "video"),
        (b"II*\0 a tiff", "tiff"),
        (b"%PDF-1.7", "pdf"),
        (b"<svg xmlns=''>", "svg"),
        (b"plain words", ""),
        (b"", ""),
    ],
)
def test_another_format_is_named(data: bytes, kind: str) -> None:
    got = fault(data)
    assert (got.reason, got.fact, got.detail) == (Reason.BAD_FORMAT, "format", kind)
    assert sniff(data) == kind
    assert isinstance(prepare(data), PhotoFault)


# --- preparing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1200, 800), (400, 400), (3000, 2250), (800, 1900), (301, 640)])
@pytest.mark.parametrize("aspect", ["9:16", "16:9", "1:1", ""])
def test_a_prepared_photo_suits_every_model(coffee: Image.Image, size: tuple[int, int], aspect: str) -> None:
    picture = opened(prepare(coded(coffee.resize(size)), aspect))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert all(600 <= side <= 2048 for side in picture.size)
    wide, _, high = aspect.partition(":")
    wanted = int(wide) / int(high) if aspect else max(0.4, min(2.5, size[0] / size[1]))
    assert picture.width / picture.height == pytest.approx(wanted, abs=0.02)


def test_padding_keeps_the_whole_photo_in_the_middle(coffee: Image.Image) -> None:
    picture = opened(prepare(coded(coffee), "9:16"))
    assert picture.size == (1152, 2048)
    middle = picture.crop((0, 640, 1152, 1408))
    wanted = np.asarray(coffee.resize(middle.size), dtype=float)
    assert np.abs(np.asarray(middle, dtype=float) - wanted).mean() < 4
    top = np.asarray(picture.crop((0, 0, 1152, 600)).convert("L"), dtype=float)
    assert 5 < top.mean() < 200
    assert np.abs(np.diff(top, axis=1)).mean() < 1


def test_exif_is_obeyed_and_removed(coffee: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010F] = "A phone with a serial number"
    data = coded(coffee, exif=exif)
    assert (report(data).width, report(data).height) == (800, 1200)
    done = prepare(data)
    picture = opened(done)
    assert picture.width < picture.height
    assert not picture.getexif()
    assert isinstance(done, bytes)
    assert b"serial number" not in done


def test_wide_colours_become_srgb(coffee: Image.Image) -> None:
    grey = coded(coffee.convert("L"), "PNG")
    cmyk = coded(coffee.convert("CMYK"))
    deep = coded(Image.fromarray(np.asarray(coffee.convert("L")).astype(np.uint16) << 8), "PNG")
    for data in (grey, cmyk, deep, coded(coffee, icc_profile=b"broken")):
        assert opened(prepare(data)).mode == "RGB"
    assert report(deep).luminance == pytest.approx(report(grey).luminance, abs=2)


def test_a_noisy_giant_stays_under_ten_megabytes() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), dtype=np.uint8)
    done = prepare(coded(Image.fromarray(noise), quality=95))
    assert isinstance(done, bytes)
    assert len(done) < 10_000_000
