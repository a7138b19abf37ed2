"""Probing of videos: what plays, what does not, and the thumbnail."""

import io
from pathlib import Path

import pytest
from PIL import Image

from adapters.video import VideoFacts, probe, thumbnail
from states.vocabulary import Failure
from tests.adapters.kie.world import COFFEE, film


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    film(path, seconds=2, size=(360, 640))
    return path


def broken(path: Path) -> str:
    got = probe(path)
    assert isinstance(got, Failure), got
    assert got.message.startswith("corrupted_video: ")
    assert str(path) not in got.message
    return got.message


def test_facts_of_a_playable_video(clip: Path) -> None:
    got = probe(clip)
    assert isinstance(got, VideoFacts)
    assert (got.codec, got.width, got.height, got.frames) == ("h264", 360, 640, 48)
    assert got.duration_s == pytest.approx(2.0, abs=0.1)
    assert got.size == clip.stat().st_size


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.9])
def test_a_video_cut_short(clip: Path, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * kept)])
    broken(path)


def test_a_video_with_its_index_first_but_its_pictures_missing(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    data = film(path, seconds=4)
    moov, mdat = data.index(b"moov") - 4, data.index(b"mdat") - 4
    assert mdat < moov
    hollow = data[: mdat + 8] + b"\0" * (moov - mdat - 8) + data[moov:]
    path.write_bytes(hollow)
    broken(path)


def test_things_that_are_no_video(tmp_path: Path) -> None:
    page = tmp_path / "page.mp4"
    page.write_bytes(b"<html>Access denied</html>" * 50)
    broken(page)
    picture = tmp_path / "missing.mp4"
    broken(picture)


def test_a_thumbnail_is_small_and_shows_the_clip(clip: Path) -> None:
    got = thumbnail(clip)
    assert isinstance(got, bytes)
    assert len(got) < 200_000
    with Image.open(io.BytesIO(got)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (180, 320)


def test_no_thumbnail_of_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(COFFEE.read_bytes()[:1000])
    assert isinstance(thumbnail(path), Failure)
