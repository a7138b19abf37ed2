import base64
import io
from collections.abc import AsyncIterator, Mapping

import av
import httpx
import pytest

from adapters.sandbox.faults import Answer, Cut
from engine.clock import ManualClock
from tests.adapters.sandbox.kie_world import COFFEE, SEEDANCE, Desk, open_desk


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    async with open_desk(clock) as made:
        yield made


# --- files ----------------------------------------------------------------------------------------


async def test_three_ways_to_upload(desk: Desk) -> None:
    photo = COFFEE.read_bytes()
    first = await desk.upload()
    data_url = "data:image/jpeg;base64," + base64.b64encode(photo).decode()
    second = await desk.call(
        "POST",
        "/api/file-base64-upload",
        json={"base64Data": data_url, "uploadPath": "a", "fileName": "b.jpg"},
    )
    third = await desk.call(
        "POST", "/api/file-url-upload", json={"fileUrl": first, "uploadPath": "a", "fileName": "c.jpg"}
    )
    for url in (first, second["data"]["downloadUrl"], third["data"]["downloadUrl"]):
        got = await desk.http.get(url, headers={"Authorization": ""})
        assert (got.content, got.headers["content-type"]) == (photo, "image/jpeg")
    assert second["success"] is True
    assert second["data"]["fileSize"] == len(photo)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("base64", {"base64Data": "?", "uploadPath": "a"}),
        ("base64", {"base64Data": "", "uploadPath": "a"}),
        ("base64", {"base64Data": "aGk="}),
        ("url", {"fileUrl": "http://127.0.0.1:9/x.jpg", "uploadPath": "a"}),
        ("url", {"fileUrl": "", "uploadPath": "a"}),
        ("stream", {}),
    ],
)
async def test_a_bad_upload_is_refused(desk: Desk, path: str, body: Mapping[str, str]) -> None:
    assert (await desk.call("POST", f"/api/file-{path}-upload", json=body))["code"] == 400
    assert desk.kie.state.files == {}


async def test_uploads_are_gone_after_a_day_and_the_same_name_overwrites(desk: Desk) -> None:
    url = await desk.upload("a.jpg", b"one")
    assert await desk.upload("a.jpg", b"two") == url
    assert (await desk.http.get(url)).content == b"two"
    desk.clock.advance(24 * 3600 + 1)
    assert (await desk.http.get(url)).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, None),
        ("bytes=-50", 206, -50, None),
        ("rows=1", 200, 0, None),
    ],
)
async def test_results_come_whole_or_in_ranges(
    desk: Desk, wanted: str, status: int, start: int, end: int | None
) -> None:
    task = await desk.task()
    url = f"/results/{task}/film.mp4"
    assert (await desk.http.get(url)).status_code == 404
    desk.clock.advance(300)
    whole = (await desk.http.get(url)).content
    got = await desk.http.get(url, headers={"Range": wanted})
    assert (got.status_code, got.content) == (status, whole[start:end])
    assert int(got.headers["content-length"]) == len(got.content)
    beyond = await desk.http.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


async def test_download_links_are_only_made_for_its_own_files(desk: Desk) -> None:
    path = "/api/v1/common/download-url"
    good = f"{desk.kie.url}/results/x/film.mp4"
    assert (await desk.call("POST", path, json={"url": good}))["data"] == good
    got = await desk.call("POST", path, json={"url": "https://example.com/x.mp4"})
    assert (got["code"], got["msg"]) == (422, "url is wrong")


async def test_models_can_be_asked_for_free(desk: Desk) -> None:
    price = await desk.call("GET", f"/api/v1/models/{SEEDANCE}/price")
    assert price["data"]["creditsPerSecond"] == 3.5
    assert (await desk.call("GET", f"/api/v1/models/{SEEDANCE}/schema"))["data"]["image"] == "input_urls"
    assert (await desk.call("GET", "/api/v1/models/none/such/schema"))["code"] == 404


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [True, False])
async def test_a_create_whose_answer_is_lost_may_have_made_a_task(desk: Desk, act: bool) -> None:
    desk.fault("createTask", act=act, close=Cut.AFTER)
    with pytest.raises(httpx.RemoteProtocolError):
        await desk.create(input_urls=["x.jpg"])
    assert (desk.kie.state.creates, desk.kie.state.accepted) == (1, int(act))


async def test_an_upload_can_be_cut_off(desk: Desk) -> None:
    desk.fault("upload", close=Cut.BEFORE)
    with pytest.raises(httpx.HTTPError):
        await desk.upload("big.jpg", bytes(2_000_000))
    assert desk.kie.state.files == {}
    assert await desk.upload()


async def test_a_call_can_hang_longer_than_the_client_waits(desk: Desk) -> None:
    desk.fault("createTask", delay_s=60, act=True)
    with pytest.raises(httpx.ReadTimeout):
        await desk.http.post("/api/v1/jobs/createTask", json={}, timeout=0.05)
    desk.fault("recordInfo", delay_s=60, late=False)
    with pytest.raises(httpx.ReadTimeout):
        await desk.http.get("/api/v1/jobs/recordInfo", timeout=0.05)


async def test_an_answer_can_be_replaced(desk: Desk) -> None:
    desk.fault("recordInfo", answer=Answer(502, "<html>502 Bad Gateway</html>", {"Retry-After": "7"}))
    desk.fault("recordInfo", answer=Answer(200, {"code": 430, "msg": "slow down"}))
    page = await desk.http.get("/api/v1/jobs/recordInfo")
    assert (page.status_code, page.headers["retry-after"]) == (502, "7")
    assert page.headers["content-type"] == "text/html"
    assert (await desk.record("x"))["code"] == 430
    assert (await desk.record("x"))["code"] == 422


async def test_a_download_can_be_cut_short_or_be_something_else(desk: Desk) -> None:
    task = await desk.task()
    desk.clock.advance(300)
    url = f"/results/{task}/film.mp4"
    desk.fault("download", close=Cut.MID)
    desk.fault("download", corrupt=b"junk")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await desk.http.get(url)
    assert (await desk.http.get(url)).content == b"junk"
    assert len((await desk.http.get(url)).content) > 10_000


async def test_a_task_can_end_with_a_broken_file(desk: Desk) -> None:
    desk.fault("render", answer=Answer(body={"video": "corrupted"}))
    task = await desk.task()
    desk.clock.advance(300)
    film = (await desk.http.get(f"/results/{task}/film.mp4")).content
    with pytest.raises(av.error.InvalidDataError):
        av.open(io.BytesIO(film))
