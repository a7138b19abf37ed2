import io
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import av
import pytest

from adapters.sandbox.faults import Answer
from engine.clock import ManualClock
from tests.adapters.sandbox.kie_world import KEY, SEEDANCE, Desk, open_desk


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    async with open_desk(clock) as made:
        yield made


# --- keys, balance, rate --------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "Bearer nobody", "Basic abc", KEY])
async def test_without_a_good_key_the_body_says_401_and_http_says_200(desk: Desk, given: str) -> None:
    for method, path in (("GET", "/api/v1/chat/credit"), ("POST", "/api/v1/jobs/createTask")):
        got = await desk.call(method, path, headers={"Authorization": given})
        assert (got["code"], got["data"]) == (401, None)
    assert desk.kie.state.accepted == 0


async def test_the_balance_is_a_float_and_pays_for_what_was_made(desk: Desk) -> None:
    task = await desk.task()
    desk.clock.advance(300)
    assert (await desk.record(task))["data"]["creditsConsumed"] == 14.0
    assert (await desk.call("GET", "/api/v1/chat/credit"))["data"] == 986.0
    assert (desk.kie.state.creates, desk.kie.state.accepted, desk.kie.state.billed) == (1, 1, 14.0)


async def test_an_empty_account_is_refused_with_402(desk: Desk) -> None:
    desk.kie.state.set_balance(1)
    got = await desk.create(input_urls=[await desk.upload()])
    assert (got["code"], got["data"]) == (402, None)
    assert "balance" in got["msg"]
    assert (desk.kie.state.creates, desk.kie.state.accepted) == (1, 0)


async def test_the_21st_create_in_ten_seconds_is_not_queued(desk: Desk) -> None:
    codes = [(await desk.create("nobody/knows"))["code"] for _ in range(21)]
    assert codes == [422] * 20 + [429]
    desk.clock.advance(11)
    assert (await desk.create("nobody/knows"))["code"] == 422


async def test_a_blocked_key_can_be_given_back(desk: Desk) -> None:
    desk.kie.state.block_keys(blocked=True)
    assert (await desk.call("GET", "/api/v1/chat/credit"))["code"] == 401
    desk.kie.state.block_keys(blocked=False)
    assert (await desk.call("GET", "/api/v1/chat/credit"))["code"] == 200


# --- create ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "fields", "code", "text"),
    [
        ("veo3_fast", {}, 422, "The model is not supported"),
        ("sora-2-image-to-video", {}, 500, "This interface is temporarily paused."),
        (SEEDANCE, {"image_urls": ["x"]}, 422, "aspect_ratio is required for text-to-video"),
        (SEEDANCE, {"input_urls": "not a list"}, 422, "aspect_ratio is required for text-to-video"),
        (SEEDANCE, {"input_urls": ["x"], "duration": None}, 500, "This field is required"),
        (SEEDANCE, {"input_urls": ["x"], "prompt": None}, 500, "This field is required"),
        (SEEDANCE, {"input_urls": ["x"], "prompt": "y" * 20_001}, 500, "text length cannot exceed"),
        (SEEDANCE, {"input_urls": ["x"], "duration": "4"}, 500, "duration is not within the range"),
        (SEEDANCE, {"input_urls": ["x"], "aspect_ratio": "9x16"}, 500, "aspect_ratio is not within"),
        (SEEDANCE, {"input_urls": ["x"] * 3}, 500, "input_urls is not within the range"),
    ],
)
async def test_a_wrong_wish_is_refused_in_kies_words(
    desk: Desk, model: str, fields: dict[str, Any], code: int, text: str
) -> None:
    got = await desk.create(model, **fields)
    assert got["code"] == code
    assert text in got["msg"]
    assert got["data"] is None
    assert desk.kie.state.accepted == 0


async def test_grok_takes_and_bills_anything(desk: Desk) -> None:
    got = await desk.call(
        "POST", "/api/v1/jobs/createTask", json={"model": "grok-imagine/image-to-video", "input": {}}
    )
    assert got["data"]["taskId"] == got["data"]["recordId"]
    assert desk.kie.state.accepted == 1


async def test_a_model_can_be_retired_and_comes_back(desk: Desk) -> None:
    desk.kie.state.retire(SEEDANCE)
    got = await desk.create(input_urls=["x.jpg"])
    assert (got["code"], got["msg"]) == (500, "This interface is temporarily paused.")
    offered = (await desk.call("GET", "/api/v1/models"))["data"]["models"]
    assert {"id": SEEDANCE} not in offered
    desk.kie.state.restore(SEEDANCE)
    assert (await desk.create(input_urls=["x.jpg"]))["code"] == 200


async def test_garbage_instead_of_json_is_an_unknown_model(desk: Desk) -> None:
    assert (await desk.call("POST", "/api/v1/jobs/createTask", content=b"\xff{"))["code"] == 422


# --- recordInfo -----------------------------------------------------------------------------------


async def test_a_task_goes_its_way_and_ends_with_a_film_of_the_photo(desk: Desk) -> None:
    url = await desk.upload()
    task = await desk.task(url=url, callBackUrl=None)
    assert await desk.record(task) == {"code": 422, "msg": "recordInfo is null", "data": None}
    words = []
    for _ in range(60):
        desk.clock.advance(2.5)
        data = (await desk.record(task))["data"]
        words.append(data["state"])
        assert (data["resultJson"] != "") == (data["state"] == "success")
    assert list(dict.fromkeys(words)) == ["waiting", "queuing", "generating", "success"]
    assert json.loads(json.loads(data["param"])["input"])["input_urls"] == [url]
    assert data["costTime"] == (data["completeTime"] - data["createTime"]) // 1000
    assert 90 < data["costTime"] < 130
    (result,) = json.loads(data["resultJson"])["resultUrls"]
    film = await desk.http.get(result, headers={"Authorization": ""})
    assert film.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(film.content), "r") as box:
        assert box.streams.video[0].codec_context.name == "h264"
        assert (box.streams.video[0].width, box.streams.video[0].height) == (720, 1280)


async def test_nobody_knows_a_foreign_task(desk: Desk) -> None:
    assert (await desk.record("no-such-task"))["msg"] == "recordInfo is null"


async def test_a_failed_task_costs_nothing_and_says_why(desk: Desk) -> None:
    body = {"failCode": "422", "failMsg": "CONTENT_POLICY_BLOCKED: the input was flagged as sensitive."}
    desk.fault("render", answer=Answer(body=body))
    task = await desk.task()
    assert (await desk.call("GET", "/api/v1/chat/credit"))["data"] == 986.0
    desk.clock.advance(300)
    data = (await desk.record(task))["data"]
    assert (data["state"], data["failCode"], data["failMsg"]) == ("fail", "422", body["failMsg"])
    assert (data["creditsConsumed"], data["resultJson"]) == (0.0, "")
    assert (await desk.call("GET", "/api/v1/chat/credit"))["data"] == 1000.0


@pytest.mark.parametrize(
    ("photo", "text"),
    [
        ("/kieai/account-1/photos/none.jpg", "Image fetch failed"),
        ("/kieai/account-1/photos/noending", "The current content could not be processed"),
    ],
)
async def test_a_photo_that_cannot_be_had_fails_the_task(desk: Desk, photo: str, text: str) -> None:
    task = await desk.task(url=desk.kie.url + photo)
    desk.clock.advance(300)
    data = (await desk.record(task))["data"]
    assert (data["state"], data["failCode"]) == ("fail", "400")
    assert text in data["failMsg"]
    assert (await desk.call("GET", "/api/v1/chat/credit"))["data"] == 1000.0


async def test_a_file_that_is_no_picture_fails_the_task(desk: Desk) -> None:
    task = await desk.task(url=await desk.upload("cup.jpg", b"hello"))
    desk.clock.advance(300)
    assert (await desk.record(task))["data"]["failMsg"] == "File type not supported"


@pytest.mark.parametrize(
    ("body", "state"),
    [({"state": "waiting"}, "waiting"), ({"duration_s": 1200}, "generating"), ({"video": "none"}, "success")],
)
async def test_fates_of_a_task(desk: Desk, body: Mapping[str, Any], state: str) -> None:
    desk.fault("render", answer=Answer(body=body))
    task = await desk.task()
    desk.clock.advance(600)
    data = (await desk.record(task))["data"]
    assert data["state"] == state
    assert data["resultJson"] == ("{}" if state == "success" else "")


async def test_veo_has_its_own_endpoints_and_shapes(desk: Desk) -> None:
    wish = {
        "prompt": "push in",
        "imageUrls": [await desk.upload()],
        "model": "veo3_lite",
        "aspect_ratio": "16:9",
    }
    got = await desk.call("POST", "/api/v1/veo/generate", json=wish)
    params = {"taskId": got["data"]["taskId"]}
    assert (await desk.call("GET", "/api/v1/veo/record-info", params=params))["msg"] == "record is null."
    assert (await desk.record(params["taskId"]))["code"] == 422
    desk.clock.advance(60)
    assert (await desk.call("GET", "/api/v1/veo/record-info", params=params))["data"]["successFlag"] == 0
    desk.clock.advance(300)
    data = (await desk.call("GET", "/api/v1/veo/record-info", params=params))["data"]
    assert data["successFlag"] == 1
    (url,) = data["response"]["resultUrls"]
    with av.open(io.BytesIO((await desk.http.get(url)).content), "r") as box:
        assert (box.streams.video[0].width, box.streams.video[0].height) == (1280, 720)


async def test_a_failed_veo_task(desk: Desk) -> None:
    desk.fault("render", answer=Answer(body={"failCode": "E42", "failMsg": "public error minor upload"}))
    wish = {"prompt": "push in", "imageUrls": ["x.jpg"], "model": "veo3_fast"}
    got = await desk.call("POST", "/api/v1/veo/generate", json=wish)
    desk.clock.advance(300)
    params = {"taskId": got["data"]["taskId"]}
    data = (await desk.call("GET", "/api/v1/veo/record-info", params=params))["data"]
    assert (data["successFlag"], data["errorCode"]) == (3, 500)
    assert data["errorMessage"] == "public error minor upload"
    assert data["response"] is None
