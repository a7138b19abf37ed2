"""Videos on disk: size limits, pruning, trusted hosts, nothing left behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from adapters.kie.library import Kept, VideoLibrary
from states.job import Video
from states.vocabulary import Failure
from tests.adapters.kie.world import (
    KEY,
    LINK,
    FakeKie,
    broken_server,
    client_of,
    fake_kie,
    file_answer,
    film,
    ok,
)


@pytest.fixture
async def kie() -> AsyncIterator[FakeKie]:
    async with fake_kie() as server:
        yield server


async def test_a_giant_is_dropped_and_leaves_no_file(kie: FakeKie, tmp_path: Path) -> None:
    kie.answers("/a.mp4", file_answer(b"x" * 50_000))
    async with client_of(kie.url) as client:
        library = VideoLibrary(client, tmp_path / "v", max_bytes=40_000)
        got = await library.fetch(f"{kie.url}/a.mp4", KEY, "job-1")
    assert isinstance(got, Failure)
    assert "larger than 40000" in got.message
    assert list((tmp_path / "v").iterdir()) == []


async def test_the_oldest_go_first(kie: FakeKie, tmp_path: Path) -> None:
    films = [film(tmp_path / f"{n}.mp4", seconds=0.5 + n / 4) for n in range(3)]
    async with client_of(kie.url) as client:
        library = VideoLibrary(client, tmp_path / "v", keep_bytes=len(films[1]) + len(films[2]))
        kept = []
        for n, data in enumerate(films):
            kie.answers(f"/{n}.mp4", file_answer(data))
            got = await library.fetch(f"{kie.url}/{n}.mp4", KEY, f"job-{n}")
            assert isinstance(got, Kept)
            kept.append(got)
        assert await library.find(kept[0].sha256) is None
        assert await library.find(kept[2].sha256) == kept[2].path


async def test_a_download_cut_in_the_middle_is_a_network_failure(kie: FakeKie, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nabc"
    async with broken_server(head) as url, client_of(url) as client:
        got = await VideoLibrary(client, tmp_path / "v").fetch(f"{url}/a.mp4", KEY, "job-1")
    assert isinstance(got, Failure)
    assert got.step == "download"
    assert got.exception.startswith("httpx.RemoteProtocolError")


async def test_no_key_travels_to_the_file_host(kie: FakeKie, tmp_path: Path) -> None:
    kie.answers("/a.mp4", file_answer(film(tmp_path / "a.mp4")))
    async with client_of(kie.url) as client:
        await VideoLibrary(client, tmp_path / "v").fetch(f"{kie.url}/a.mp4", KEY, "job-1")
    assert "Authorization" not in kie.to("/a.mp4")[0].headers


async def test_a_redirect_is_not_followed(kie: FakeKie, tmp_path: Path) -> None:
    kie.answers("/a.mp4", lambda _: web.Response(status=302, headers={"Location": "http://127.0.0.2:1/"}))
    async with client_of(kie.url) as client:
        got = await VideoLibrary(client, tmp_path / "v").fetch(f"{kie.url}/a.mp4", KEY, "job-1")
    assert isinstance(got, Failure)
    assert got.http_status == 302


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://tempfile.aiquickdraw.com/a.mp4", True),
        ("https://aiquickdraw.com/a.mp4", True),
        ("http://tempfile.aiquickdraw.com/a.mp4", False),
        ("https://evil-aiquickdraw.com/a.mp4", False),
        ("https://aiquickdraw.com.evil.example/a.mp4", False),
        ("https://aiquickdraw.com@evil.example/a.mp4", False),
        ("https://10.0.0.1/a.mp4", False),
    ],
)
async def test_which_hosts_are_the_providers(tmp_path: Path, url: str, *, trusted: bool) -> None:
    async with client_of("http://127.0.0.1:9") as client:
        assert VideoLibrary(client, tmp_path)._trusted(url) is trusted


async def test_a_result_on_a_new_host_is_fetched_by_kies_own_link(kie: FakeKie, tmp_path: Path) -> None:
    kie.answers(LINK, ok(f"{kie.url}/signed.mp4"))
    kie.answers("/signed.mp4", file_answer(film(tmp_path / "a.mp4")))
    async with client_of(kie.url) as client:
        got = await VideoLibrary(client, tmp_path / "v").fetch("https://new-cdn.example/a.mp4", KEY, "j")
    assert isinstance(got, Kept)
    assert kie.to(LINK)[0].json == {"url": "https://new-cdn.example/a.mp4"}


async def test_a_video_without_a_known_hash_is_downloaded(kie: FakeKie, tmp_path: Path) -> None:
    kie.answers("/a.mp4", file_answer(film(tmp_path / "a.mp4")))
    async with client_of(kie.url) as client:
        got = await VideoLibrary(client, tmp_path / "v").fetch_video(Video(f"{kie.url}/a.mp4", 1), KEY)
    assert isinstance(got, Path)
