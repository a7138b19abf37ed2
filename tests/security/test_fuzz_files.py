"""Photos and videos nobody made in good faith: bombs, halves, animations, strange colours, random damage."""

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adapters import video
from adapters.photo import MAX_BYTES, MAX_PIXELS, PhotoFault, PhotoReport, inspect, prepare
from bot.routers.photos import DOWNLOAD_BYTES
from states.vocabulary import Failure, Reason
from tests.bot.hall import coffee


def _small(kind: str = "JPEG", **options: object) -> bytes:
    with Image.open(io.BytesIO(coffee())) as opened:
        picture = opened.convert("RGB").resize((420, 420))
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says it is so large; its pixels compress to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000))
    extra = b"".join(chunk(kind, data) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + extra + pixels + chunk(b"IEND", b"")


def _jpeg_of_size(width: int, height: int) -> bytes:
    """A true JPEG whose frame header was changed to claim another size."""
    data = bytearray(_small())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _webp_of_size(side: int) -> bytes:
    size = (side - 1).to_bytes(3, "little")
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\x10\0\0\0"
        + size * 2
        + b"ALPH"
        + struct.pack("<I", 4)
        + b"\0" * 4
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


BOMBS = {
    "png of 2.5 gigapixels": _png(50_000, 50_000),
    "png of 2^62 pixels": _png(2**31 - 1, 2**31 - 1),
    "png just over": _png(10_000, MAX_PIXELS // 10_000 + 1),
    "jpeg of 4 gigapixels": _jpeg_of_size(65_500, 65_500),
    "webp of 268 megapixels": _webp_of_size(16_384),
    "png whose profile unpacks to 200 MB": _png(
        600, 600, (b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 200_000_000))
    ),
    "png whose text unpacks to 200 MB": _png(
        600, 600, (b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 200_000_000))
    ),
    "gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + b"\0" * 60,
    "tiff": b"II*\0\x08\0\0\0" + b"\xff" * 60,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='99999999' height='99999999'/>",
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "nothing": b"",
    "zeros": bytes(100_000),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(data: bytes) -> None:
    found = inspect(data)
    assert isinstance(found, PhotoFault)
    assert found.reason in (Reason.IMAGE_TOO_LARGE, Reason.BAD_FORMAT, Reason.INVALID_IMAGE)
    assert isinstance(prepare(data), PhotoFault)


def test_what_is_too_heavy_is_not_even_opened() -> None:
    assert MAX_BYTES == DOWNLOAD_BYTES
    found = inspect(coffee() + bytes(MAX_BYTES))
    assert isinstance(found, PhotoFault)
    assert (found.reason, found.fact) == (Reason.IMAGE_TOO_LARGE, "bytes")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_half_a_file_is_no_photo(kind: str, share: float) -> None:
    whole = _small(kind)
    found = inspect(whole[: int(len(whole) * share)])
    assert isinstance(found, PhotoFault)
    assert found.reason in (Reason.INVALID_IMAGE, Reason.BAD_FORMAT)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_no_photo(kind: str) -> None:
    with Image.open(io.BytesIO(_small())) as one:
        frames = [one.rotate(turn) for turn in (0, 90, 180)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    found = inspect(out.getvalue())
    assert isinstance(found, PhotoFault)
    assert found.reason is Reason.BAD_FORMAT


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "RGBA", "LA", "I;16", "1"])
def test_every_kind_of_colour_becomes_the_jpeg_that_models_take(mode: str) -> None:
    with Image.open(io.BytesIO(coffee())) as opened:
        wide = opened.convert("RGB").resize((640, 480))
    picture = wide.convert("L").convert("I;16") if mode == "I;16" else wide.convert(mode)
    out = io.BytesIO()
    picture.save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert isinstance(inspect(out.getvalue()), PhotoReport | PhotoFault)
    ready = prepare(out.getvalue())
    assert isinstance(ready, bytes)
    with Image.open(io.BytesIO(ready)) as made:
        assert (made.mode, made.format) == ("RGB", "JPEG")


@pytest.mark.parametrize("orientation", range(10))
def test_a_turned_photo_is_measured_and_sent_upright(orientation: int) -> None:
    with Image.open(io.BytesIO(coffee())) as opened:
        wide = opened.convert("RGB").resize((900, 600))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    wide.save(out, "JPEG", exif=exif)
    turned = orientation in (5, 6, 7, 8)
    found = inspect(out.getvalue())
    assert isinstance(found, PhotoReport)
    assert (found.width, found.height) == ((600, 900) if turned else (900, 600))
    ready = prepare(out.getvalue())
    assert isinstance(ready, bytes)
    with Image.open(io.BytesIO(ready)) as made:
        assert (made.height > made.width) is turned
        assert not made.getexif(), "where it was taken is nobody's business"


_SEEDS = {kind: _small(kind) for kind in ("JPEG", "PNG", "WEBP")}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(_SEEDS)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), min_size=1, max_size=8),
    st.floats(0.05, 1),
)
def test_any_damage_is_a_report_or_a_fault(kind: str, hits: list[tuple[float, bytes]], share: float) -> None:
    data = bytearray(_SEEDS[kind])
    for where, what in hits:
        at = int(where * (len(data) - 1))
        data[at : at + len(what)] = what
    damaged = bytes(data[: int(len(data) * share)])
    assert isinstance(inspect(damaged), PhotoReport | PhotoFault)
    assert isinstance(prepare(damaged), bytes | PhotoFault)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_fault(data: bytes) -> None:
    assert isinstance(inspect(data), PhotoFault)


# --- videos -------------------------------------------------------------------------------------


def _film(path: Path, side: int, frames: int, keyframes: int = 12) -> Path:
    with av.open(str(path), "w") as box:
        options = {"preset": "ultrafast", "g": str(keyframes), "threads": "1"}
        stream = box.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        grey = np.full((side * 3 // 2, side), 128, dtype=np.uint8)
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(grey, format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, 30)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def test_a_film_of_huge_pictures_is_refused_before_one_is_decoded(tmp_path: Path) -> None:
    found = video.probe(_film(tmp_path / "huge.mp4", 4_608, 2))
    assert isinstance(found, Failure)
    assert "pixels" in found.message
    assert found.message.startswith(video.CORRUPTED)


def test_a_film_of_endless_frames_is_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One key frame at the beginning: to see the end, everything would have to be decoded."""
    monkeypatch.setattr(video, "MOST_FRAMES", 100)
    found = video.probe(_film(tmp_path / "long.mp4", 64, 120, keyframes=1_000))
    assert isinstance(found, Failure)
    assert "frames" in found.message
    assert not isinstance(video.probe(_film(tmp_path / "short.mp4", 64, 90)), Failure)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_any_damage_to_a_film_is_measured_or_a_failure(hits: list[tuple[float, bytes]], share: float) -> None:
    data = bytearray(_WHOLE)
    for where, what in hits:
        at = int(where * (len(data) - 1))
        data[at : at + len(what)] = what
    path = _FOLDER / "damaged.mp4"
    path.write_bytes(bytes(data[: int(len(data) * share)]))
    assert isinstance(video.probe(path), video.VideoFacts | Failure)
    assert isinstance(video.thumbnail(path), bytes | Failure)


_FOLDER = Path(__file__).parent
_WHOLE = b""


@pytest.fixture(autouse=True, scope="module")
def _films(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _FOLDER, _WHOLE  # noqa: PLW0603 - hypothesis takes no fixtures of a function
    _FOLDER = tmp_path_factory.mktemp("films")
    _WHOLE = _film(_FOLDER / "whole.mp4", 96, 30).read_bytes()
