"""The client against real HTTP: what each answer means, and whether a create may have arrived."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from adapters.kie.answers import Credits, Link, Phase, TaskCreated, TaskReport, Uploaded
from adapters.kie.client import KieClient, Timeouts
from adapters.kie.keys import ApiKey
from states.vocabulary import Failure
from tests.adapters.kie.world import (
    CREATE,
    KEY,
    LINK,
    RECORD,
    SECRET,
    UPLOAD,
    VEO_CREATE,
    VEO_RECORD,
    FakeKie,
    broken_server,
    client_of,
    fake_kie,
    ok,
    record,
)

URL = "https://tempfile.aiquickdraw.com/a.mp4"


@pytest.fixture
async def kie() -> AsyncIterator[FakeKie]:
    async with fake_kie() as server:
        yield server


@pytest.fixture
async def client(kie: FakeKie) -> AsyncIterator[KieClient]:
    async with client_of(kie.url) as made:
        yield made


async def report(kie: FakeKie, client: KieClient, answer: Any) -> TaskReport:
    kie.answers(RECORD, answer)
    got = await client.record_info(KEY, "t1")
    assert isinstance(got, TaskReport), got
    return got


async def failure(kie: FakeKie, client: KieClient, answer: Any) -> Failure:
    kie.answers(CREATE, answer)
    got = await client.create_task(KEY, {"model": "m"})
    assert isinstance(got, Failure), got
    return got


# --- create -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [{"taskId": "t1", "recordId": "t1"}, {"recordId": "t1"}, {"task_id": "t1"}])
async def test_create_reads_the_task_id(kie: FakeKie, client: KieClient, data: dict[str, str]) -> None:
    kie.answers(CREATE, ok(data))
    assert await client.create_task(KEY, {"model": "m", "input": {"prompt": "ё"}}) == TaskCreated("t1")
    sent = kie.to(CREATE)[0]
    assert sent.json == {"model": "m", "input": {"prompt": "ё"}}
    assert sent.headers["Authorization"] == f"Bearer {SECRET}"
    assert "Mozilla" in sent.headers["User-Agent"]


async def test_http_200_with_another_code_is_a_refusal_that_made_no_task(
    kie: FakeKie, client: KieClient
) -> None:
    got = await failure(kie, client, {"code": 402, "msg": "Credits insufficient", "data": None})
    assert (got.http_status, got.code, got.message) == (200, "402", "Credits insufficient")
    assert got.may_have_arrived is False


async def test_http_status_equal_to_the_code_is_the_same_refusal(kie: FakeKie, client: KieClient) -> None:
    got = await failure(kie, client, lambda _: web.json_response({"code": 401, "msg": "no"}, status=401))
    assert (got.http_status, got.code, got.may_have_arrived) == (401, "401", False)


@pytest.mark.parametrize("data", [{}, None, {"taskId": ""}, []])
async def test_success_without_a_task_id_may_have_been_billed(
    kie: FakeKie, client: KieClient, data: Any
) -> None:
    got = await failure(kie, client, ok(data))
    assert got.code == "200"
    assert got.may_have_arrived is True


async def test_code_200_with_an_error_text_may_have_arrived(kie: FakeKie, client: KieClient) -> None:
    got = await failure(kie, client, {"code": 200, "msg": "Server exception, please try again later"})
    assert got.message == "Server exception, please try again later"
    assert got.may_have_arrived is True


@pytest.mark.parametrize(
    ("status", "arrived"), [(200, True), (500, True), (502, True), (504, True), (403, False), (429, False)]
)
async def test_a_page_of_a_proxy(kie: FakeKie, client: KieClient, status: int, arrived: bool) -> None:
    page = "<html><style>b{}</style><h1>Bad   Gateway</h1></html>"
    got = await failure(
        kie, client, lambda _: web.Response(text=page, content_type="text/html", status=status)
    )
    assert got.http_status == status
    assert got.message == "not KIE's JSON (text/html): Bad Gateway"
    assert got.may_have_arrived is arrived


async def test_a_strangers_json_is_not_an_envelope(kie: FakeKie, client: KieClient) -> None:
    body = {"timestamp": 1, "status": 500, "error": "Internal Server Error"}
    got = await failure(kie, client, lambda _: web.json_response(body, status=500))
    assert got.may_have_arrived is True


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_retry_after(
    kie: FakeKie, client: KieClient, headers: dict[str, str], seconds: float | None
) -> None:
    answer = {"code": 429, "msg": "slow down"}
    got = await failure(kie, client, lambda _: web.json_response(answer, status=429, headers=headers))
    assert got.retry_after_s == seconds


async def test_a_refused_connection_surely_did_not_arrive() -> None:
    async with client_of("http://127.0.0.1:9") as client:
        got = await client.create_task(KEY, {})
    assert isinstance(got, Failure)
    assert got.may_have_arrived is False
    assert got.exception.startswith("httpx.ConnectError: ")
    assert " <- httpcore.ConnectError" in got.exception


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
async def test_a_connection_cut_after_the_request_may_have_arrived(answer: bytes) -> None:
    async with broken_server(answer) as url, client_of(url) as client:
        got = await client.create_task(KEY, {})
    assert isinstance(got, Failure)
    assert got.may_have_arrived is True
    assert got.exception.startswith(("httpx.RemoteProtocolError", "httpx.ReadError"))


async def test_silence_after_the_request_may_have_arrived() -> None:
    async with broken_server(None) as url, client_of(url, Timeouts(read_s=0.05)) as client:
        got = await client.create_task(KEY, {})
    assert isinstance(got, Failure)
    assert got.may_have_arrived is True
    assert got.exception.startswith("httpx.ReadTimeout")


async def test_a_drip_ends_with_the_total_timeout() -> None:
    async with broken_server(None) as url, client_of(url, Timeouts(read_s=5, total_s=0.05)) as client:
        got = await client.create_task(KEY, {})
    assert isinstance(got, Failure)
    assert got.exception.startswith("TimeoutError")
    assert got.may_have_arrived is True


async def test_a_create_is_sent_once_whatever_happens(kie: FakeKie, client: KieClient) -> None:
    await failure(kie, client, lambda _: web.Response(status=503))
    assert len(kie.to(CREATE)) == 1


async def test_veo_has_its_own_pair_of_calls(kie: FakeKie, client: KieClient) -> None:
    kie.answers(VEO_CREATE, ok({"taskId": "v1"}))
    kie.answers(VEO_RECORD, ok({"taskId": "v1", "successFlag": 1, "response": {"resultUrls": [URL]}}))
    assert await client.veo_generate(KEY, {"model": "veo3_lite"}) == TaskCreated("v1")
    got = await client.veo_record_info(KEY, "v1")
    assert isinstance(got, TaskReport)
    assert (got.phase, got.urls) == (Phase.SUCCEEDED, (URL,))
    assert kie.to(VEO_RECORD)[0].query == {"taskId": "v1"}


# --- recordInfo ---------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["waiting", "queuing", "generating", "QUEUED", "processing"])
async def test_known_words_for_rendering(kie: FakeKie, client: KieClient, word: str) -> None:
    got = await report(kie, client, record(word))
    assert (got.phase, got.known, got.urls) == (Phase.RENDERING, True, ())


async def test_an_unknown_word_is_still_rendering_and_noted(kie: FakeKie, client: KieClient) -> None:
    got = await report(kie, client, record("preparing"))
    assert (got.phase, got.known, got.word) == (Phase.RENDERING, False, "preparing")


@pytest.mark.parametrize("word", ["success", "SUCCESS", "succeeded", "completed"])
@pytest.mark.parametrize(
    "result",
    [
        json.dumps({"resultUrls": [URL]}),
        {"resultUrls": [URL]},
        {"resultUrls": [{"url": URL}]},
        json.dumps(json.dumps({"resultUrls": [URL]})),
        {"resultUrls": json.dumps([URL])},
        {"videoUrl": URL},
        json.dumps({"resultWaterMarkUrls": ["https://x.example/w.mp4"], "resultUrls": [URL]}),
        {"resultUrls": ["https://x.example/first.jpg", URL]},
        f"ready: {URL}",
    ],
)
async def test_success_in_every_shape_seen(kie: FakeKie, client: KieClient, word: str, result: Any) -> None:
    got = await report(kie, client, record(word, resultJson=result, creditsConsumed="35.0"))
    assert (got.phase, got.urls[0], got.cost) == (Phase.SUCCEEDED, URL, 35.0)
    assert not any("evil" in url for url in got.urls)


async def test_data_may_be_a_bare_address(kie: FakeKie, client: KieClient) -> None:
    got = await report(kie, client, ok(URL))
    assert (got.phase, got.urls) == (Phase.SUCCEEDED, (URL,))


async def test_status_may_stand_for_state(kie: FakeKie, client: KieClient) -> None:
    got = await report(kie, client, ok({"status": "success", "resultJson": {"resultUrls": [URL]}}))
    assert got.phase is Phase.SUCCEEDED


async def test_an_address_while_waiting_is_done(kie: FakeKie, client: KieClient) -> None:
    got = await report(kie, client, record("waiting", resultJson=json.dumps({"resultUrls": [URL]})))
    assert (got.phase, got.urls) == (Phase.SUCCEEDED, (URL,))


async def test_fail_keeps_the_inner_code_and_text(kie: FakeKie, client: KieClient) -> None:
    got = await report(
        kie, client, record("fail", failCode=422, failMsg="may violate our guardrails", creditsConsumed=0.0)
    )
    assert (got.phase, got.fail_code, got.cost) == (Phase.FAILED, "422", 0.0)
    assert got.fail_message == "may violate our guardrails"


async def test_fail_with_the_text_success_is_still_rendering(kie: FakeKie, client: KieClient) -> None:
    got = await report(kie, client, record("fail", failMsg="success"))
    assert got.phase is Phase.RENDERING


@pytest.mark.parametrize(("flag", "phase"), [(0, Phase.RENDERING), ("1", Phase.SUCCEEDED), (2, Phase.FAILED)])
async def test_veo_flags(kie: FakeKie, client: KieClient, flag: int | str, phase: Phase) -> None:
    data = {"successFlag": flag, "errorCode": 501, "errorMessage": "unsafe"}
    got = await report(kie, client, ok(data))
    assert (got.phase, got.known, got.fail_code) == (phase, True, "501")


async def test_cost_time_is_never_believed(kie: FakeKie, client: KieClient) -> None:
    times = {"costTime": 154, "createTime": 1_000_000, "completeTime": 1_155_073}
    assert (await report(kie, client, record("success", **times))).took_s == 155.073


async def test_the_inner_failure_beats_the_envelope(kie: FakeKie, client: KieClient) -> None:
    answer = {"code": 501, "msg": "Playground task failed.", "data": {"state": "fail", "failMsg": "nsfw"}}
    got = await report(kie, client, answer)
    assert (got.phase, got.fail_message) == (Phase.FAILED, "nsfw")


@pytest.mark.parametrize(
    "answer", [{"code": 422, "msg": "recordInfo is null", "data": None}, ok(None), ok({}), ok([1])]
)
async def test_an_unknown_task_is_a_failure_for_the_maker_to_judge(
    kie: FakeKie, client: KieClient, answer: Any
) -> None:
    kie.answers(RECORD, answer)
    got = await client.record_info(KEY, "t1")
    assert isinstance(got, Failure)
    assert got.step == "poll"
    assert "is null" in got.message


# --- the other calls ----------------------------------------------------------------------------


async def test_upload_sends_the_file_under_its_name(kie: FakeKie, client: KieClient) -> None:
    got = await client.upload(KEY, b"\xff\xd8 jpeg", "job1-1-abc.jpg")
    assert got == Uploaded(f"{kie.url}/files/job1-1-abc.jpg")
    body = kie.to(UPLOAD)[0].body
    assert b"\xff\xd8 jpeg" in body
    assert b'name="uploadPath"' in body
    assert b'name="fileName"' in body


async def test_upload_refused_by_cloudflare_keeps_its_words(kie: FakeKie, client: KieClient) -> None:
    kie.answers(UPLOAD, lambda _: web.Response(status=403, text="error code: 1010"))
    got = await client.upload(KEY, b"x", "a.jpg")
    assert isinstance(got, Failure)
    assert (got.step, got.http_status) == ("upload", 403)
    assert "1010" in got.message


async def test_credits_are_a_float(kie: FakeKie, client: KieClient) -> None:
    kie.answers("/api/v1/chat/credit", ok(5916.25))
    assert await client.credits(KEY) == Credits(5916.25)


async def test_probes_of_models_are_free_and_keep_the_slash(kie: FakeKie, client: KieClient) -> None:
    kie.answers("/api/v1/models", ok({"list": [{"id": "a/b"}, {"model": "c"}]}))
    kie.answers("/api/v1/models/a/b/schema", ok({"input": {}}))
    assert await client.models(KEY) == frozenset({"a/b", "c"})
    assert not isinstance(await client.model_schema(KEY, "a/b"), Failure)
    gone = await client.model_price(KEY, "a/b")
    assert isinstance(gone, Failure)
    assert gone.code == "404"


async def test_a_link_for_a_foreign_file_is_refused(kie: FakeKie, client: KieClient) -> None:
    kie.answers(LINK, ok("https://x.example/signed"), {"code": 422, "msg": "url is wrong", "data": None})
    assert await client.download_url(KEY, URL) == Link("https://x.example/signed")
    got = await client.download_url(KEY, URL)
    assert isinstance(got, Failure)
    assert got.code == "422"


async def test_loopback_needs_no_proxy(kie: FakeKie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    kie.answers("/api/v1/chat/credit", ok(1))
    async with client_of(kie.url) as client:
        assert await client.credits(KEY) == Credits(1.0)


# --- secrets ------------------------------------------------------------------------------------


async def test_the_key_never_shows(kie: FakeKie, client: KieClient) -> None:
    echo = {"code": 401, "msg": f"Bad API key {SECRET}", "data": None}
    got = await failure(kie, client, echo)
    page = await failure(kie, client, f"<p>denied for Bearer {SECRET}</p>")
    for text in (repr(got), repr(page), repr(KEY), str(KEY)):
        assert SECRET not in text
    assert got.message == "Bad API key ***"


def test_a_key_that_no_header_can_carry_is_refused_without_quoting_it() -> None:
    with pytest.raises(ValueError, match="main") as caught:
        ApiKey("main", "sk-broken\n")
    assert "sk-broken" not in str(caught.value)
