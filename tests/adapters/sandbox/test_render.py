import asyncio
import io
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from adapters.sandbox.camera import Box, Film, focus_of, sharp_part
from adapters.sandbox.render import NotAPhotoError, Renderer, corrupted, render_film

COFFEE = Path(__file__).parents[2] / "data" / "coffee.jpg"
SHORT = Film(360, 640, seconds=1.0)


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def frames(film: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(film), "r") as box:
        return [frame.to_ndarray(format="gray").astype(np.int16) for frame in box.decode(video=0)]


@pytest.fixture(scope="module")
def film() -> bytes:
    return render_film(COFFEE.read_bytes(), Film(seconds=2.0))


def test_a_real_playable_mp4(film: bytes) -> None:
    with av.open(io.BytesIO(film), "r") as box:
        stream = box.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (720, 1280)
        assert stream.average_rate is not None
        assert float(stream.average_rate) == 24
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0)
    assert len(frames(film)) == 48


def test_the_index_comes_first_so_it_streams(film: bytes) -> None:
    assert 0 < film.index(b"moov") < film.index(b"mdat")


def test_the_picture_moves_in_every_frame(film: bytes) -> None:
    shots = frames(film)
    moved = [float(np.abs(after - before).mean()) for before, after in pairwise(shots)]
    assert min(moved) > 0.15
    assert max(moved) < 25  # and never jumps
    assert float(np.abs(shots[-1] - shots[0]).mean()) > 10


def test_it_is_the_users_photo(film: bytes) -> None:
    with av.open(io.BytesIO(film), "r") as box:
        first = next(box.decode(video=0)).to_ndarray(format="rgb24")
    red, _, blue = first[300:900].reshape(-1, 3).mean(axis=0)
    assert red > blue * 1.8  # a red cup on a brown table


def test_the_same_wish_gives_the_same_bytes() -> None:
    photo = COFFEE.read_bytes()
    assert render_film(photo, SHORT) == render_film(photo, SHORT)


@pytest.mark.parametrize("size", [(1, 1), (60, 40), (1200, 100), (100, 1200), (360, 640), (501, 333)])
@pytest.mark.parametrize("shape", [(360, 640), (640, 360), (360, 360)])
def test_any_shape_of_photo_becomes_a_film(size: tuple[int, int], shape: tuple[int, int]) -> None:
    photo = jpeg(Image.effect_mandelbrot(size, (-2, -1.2, 1, 1.2), 30).convert("RGB"))
    made = frames(render_film(photo, Film(*shape, seconds=0.25)))
    assert {frame.shape for frame in made} == {(shape[1], shape[0])}


def test_no_picture_is_refused() -> None:
    for junk in (b"", b"not a picture", COFFEE.read_bytes()[:300]):
        with pytest.raises(NotAPhotoError):
            render_film(junk, SHORT)


def test_a_turned_photo_is_upright() -> None:
    wide = Image.new("RGB", (400, 200), "blue")
    wide.paste("red", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees: red on top
    out = io.BytesIO()
    wide.save(out, "JPEG", exif=exif)
    with av.open(io.BytesIO(render_film(out.getvalue(), Film(360, 640, 0.25))), "r") as box:
        picture = next(box.decode(video=0)).to_ndarray(format="rgb24")
    assert picture[150, 180, 0] > 150 > picture[500, 180, 0]


def test_a_corrupted_film_has_the_size_and_cannot_be_played(film: bytes) -> None:
    broken = corrupted(film)
    assert len(broken) == len(film)
    assert broken[4:8] == b"ftyp"
    with pytest.raises(av.error.InvalidDataError):
        av.open(io.BytesIO(broken))
    assert corrupted(b"no index here") == b"no ind"


def test_bands_that_a_client_put_around_the_photo_are_left_out() -> None:
    with Image.open(COFFEE) as coffee:
        padded = ImageOps.fit(coffee, (540, 960)).filter(ImageFilter.GaussianBlur(20))
        padded.paste(coffee.resize((540, 360)), (0, 300))
        left, top, right, bottom = sharp_part(padded)
        assert (left, right) == (0, 540)
        assert abs(top - 300) < 12
        assert abs(bottom - 660) < 12
        assert sharp_part(coffee) == (0, 0, *coffee.size)


def test_the_camera_finds_the_subject() -> None:
    picture = Image.new("RGB", (300, 300), "white")
    picture.paste("red", (170, 100, 230, 160))
    x, y = focus_of(picture)
    assert 0.55 < x < 0.8
    assert 0.3 < y < 0.5
    assert focus_of(Image.new("RGB", (50, 50))) == (0.5, 0.5)


@pytest.mark.parametrize("scene", [(1296, 1296), (720, 1280), (4000, 500), (500, 4000)])
def test_the_camera_never_looks_beyond_the_scene(scene: tuple[int, int]) -> None:
    film = Film()
    for focus in ((0.0, 0.0), (1.0, 1.0), (0.5, 0.5)):
        for shot in film.shots(scene, scene, focus):
            for n in range(film.frames):
                box = shot.box(shot.progress(n))
                assert -1e-9 <= box.x0 < box.x1 <= 1 + 1e-9
                assert -1e-9 <= box.y0 < box.y1 <= 1 + 1e-9
                assert _aspect(box, scene) == pytest.approx(film.width / film.height, rel=0.01)


def _aspect(box: Box, scene: tuple[int, int]) -> float:
    return (box.x1 - box.x0) * scene[0] / ((box.y1 - box.y0) * scene[1])


async def test_one_wish_is_rendered_once_and_off_the_loop() -> None:
    renderer, photo = Renderer(), COFFEE.read_bytes() + b"this test's own"
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticker = asyncio.create_task(tick())
    first, second = await asyncio.gather(renderer.film(photo, SHORT), renderer.film(photo, SHORT))
    ticker.cancel()
    assert first is second
    assert ticks > 100
    with pytest.raises(NotAPhotoError):
        await renderer.film(b"junk", SHORT)
    assert await Renderer().film(photo, SHORT) is first  # another sandbox of this process asks
