"""Whatever KIE (or somebody in between) answers is a value for the classifier, never an exception."""

import asyncio
import json
import math
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.kie import answers
from adapters.kie.callback import CallbackSecrets, Called, Rejection, callback_app, verify
from adapters.kie.client import read
from engine.clock import ManualClock
from states.classify import classify_kie_error
from states.job import Hint
from states.vocabulary import Failure
from tests.adapters.kie.test_kie_callback import query
from tests.adapters.kie.world import (
    CREATE,
    KEY,
    LINK,
    RECORD,
    UPLOAD,
    VEO_CREATE,
    VEO_RECORD,
    FakeKie,
    client_of,
    fake_kie,
    serving,
)
from tests.security.hostile import DEEP, DEEP_OBJECT, jsons, texts, wire

KEYS = (
    *("code", "msg", "data", "taskId", "recordId", "state", "status", "successFlag", "failCode", "failMsg"),
    *("errorMessage", "resultJson", "resultUrls", "response", "info", "url", "videoUrl", "creditsConsumed"),
    *("createTime", "completeTime", "models", "id", "name", "downloadUrl", "param"),
)
bodies = jsons(KEYS)
SECRETS = CallbackSecrets("our secret", "kie webhook key")


@given(bodies)
def test_any_data_is_a_report_or_none(data: Any) -> None:
    report = answers.task_report(data)
    if report is None:
        return
    assert all(url.startswith(("http://", "https://")) for url in report.urls)
    assert report.cost is None or (math.isfinite(report.cost) and report.cost >= 0)
    assert report.took_s is None or math.isfinite(report.took_s)
    assert len(report.word) <= 200


@given(bodies)
def test_any_data_makes_a_short_task_id_or_none(data: Any) -> None:
    created = answers.task_created(data)
    assert created is None or (0 < len(created.task_id) <= 200 and created.task_id.isprintable())


@given(bodies)
def test_any_data_lists_models(data: Any) -> None:
    assert all(isinstance(model, str) for model in answers.model_ids(data))


@given(st.sampled_from(("create", "poll", "upload", "download")), st.integers(200, 599), bodies)
def test_any_json_body_is_read_and_classified(step: str, status: int, body: Any) -> None:
    _judged(step, httpx.Response(status, content=wire(body)))


@given(st.sampled_from(("create", "poll")), st.binary(max_size=200))
def test_any_bytes_are_read_and_classified(step: str, body: bytes) -> None:
    _judged(step, httpx.Response(200, content=body))


@pytest.mark.parametrize("body", [DEEP, DEEP_OBJECT, f'{{"code":200,"data":{DEEP}}}'])
@pytest.mark.parametrize("step", ["create", "poll", "upload"])
def test_a_body_nested_beyond_all_reason_is_no_answer(step: str, body: str) -> None:
    _judged(step, httpx.Response(200, content=body.encode()))


def _judged(step: str, response: httpx.Response) -> None:
    got = read(step, response, KEY.value)
    if isinstance(got, Failure):
        assert len(got.message) <= 2_100
        assert classify_kie_error(got).rule


# --- the client over real HTTP ----------------------------------------------------------------------

HOSTILE: dict[str, Any] = {
    "null": {"code": 200, "msg": "ok", "data": None},
    "a list": {"code": 200, "msg": "ok", "data": []},
    "nested": {"code": 200, "msg": "ok", "data": {"taskId": {"taskId": "x"}, "downloadUrl": ["a"]}},
    "too long": {"code": 200, "msg": "ok", "data": {"taskId": "x" * 1_000_000}},
    "control signs": {"code": 200, "msg": "ok", "data": {"taskId": "a\nb\x00"}},
    "not a number": {"code": 200, "msg": "ok", "data": float("nan")},
    "too large": {"code": 200, "msg": "ok", "data": 10**400},
    "code of another kind": {"code": ["200"], "msg": {"a": 1}, "data": 1},
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_every_call_answers_with_a_value(body: Any) -> None:
    async with fake_kie() as kie:
        await _called(kie, body)


@pytest.mark.parametrize("raw", ["", DEEP, "<html>", "\ufeff{}"], ids=["empty", "deep", "page", "marked"])
async def test_every_call_survives_what_is_no_answer(raw: str) -> None:
    async with fake_kie() as kie:
        await _called(kie, raw)


async def _called(kie: FakeKie, body: Any) -> None:
    paths = (CREATE, RECORD, VEO_CREATE, VEO_RECORD, UPLOAD, LINK, "/api/v1/chat/credit", "/api/v1/models")
    for path in paths:
        kie.answers(path, lambda _: web.Response(text=body if isinstance(body, str) else json.dumps(body)))
    async with client_of(kie.url) as client:
        outcomes = [
            await client.create_task(KEY, {"model": "m"}),
            await client.veo_generate(KEY, {"model": "m"}),
            await client.record_info(KEY, "t"),
            await client.veo_record_info(KEY, "t"),
            await client.upload(KEY, b"photo", "p.jpg"),
            await client.download_url(KEY, "https://x.example/y"),
            await client.credits(KEY),
            await client.models(KEY),
        ]
    for outcome in outcomes:
        if isinstance(outcome, answers.TaskCreated):
            assert len(outcome.task_id) <= 200
        if isinstance(outcome, answers.Credits):
            assert math.isfinite(outcome.amount)
        if isinstance(outcome, Failure):
            assert KEY.value not in repr(outcome)


# --- callbacks --------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.sampled_from(("job", "n", "sig")), texts, max_size=3),
    st.dictionaries(st.sampled_from(("X-Webhook-Timestamp", "X-Webhook-Signature")), texts, max_size=2),
    st.binary(max_size=60) | bodies.map(wire),
)
def test_no_stranger_is_believed(asked: dict[str, str], headers: dict[str, str], body: bytes) -> None:
    assert isinstance(verify(asked, headers, body, SECRETS, 1_800_000_000), Rejection)


@given(st.binary(max_size=100) | bodies.map(wire))
def test_with_our_address_only_a_task_id_comes_of_any_body(body: bytes) -> None:
    found = verify(query(), {}, body, CallbackSecrets("our secret"), 1_800_000_000)
    if isinstance(found, Called):
        assert found.job_id == "job1"
        assert 0 < len(found.hint.task_id) <= 200
        assert found.hint.task_id.isprintable()


@pytest.mark.parametrize("body", [DEEP, DEEP_OBJECT])
def test_a_deep_body_is_refused(body: str) -> None:
    asked = query()
    assert verify(asked, {}, body.encode(), CallbackSecrets("our secret"), 0) is Rejection.BODY


async def test_the_address_answers_401_to_anything_a_socket_can_send() -> None:
    taken: list[str] = []

    async def take(job_id: str, _hint: Hint) -> bool:
        taken.append(job_id)
        return True

    site = callback_app(SECRETS, take, ManualClock())
    requests = (
        b"POST /kie?sig=%FF&job=%00&n=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /kie?job=a&n=1&sig=%ED%A0%80 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /kie HTTP/1.1\r\nHost: x\r\nX-Webhook-Signature: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /kie?n=\xd9\xa1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    )
    async with serving(site) as url:
        for raw in requests:
            assert await _status(url, raw) in (400, 401)
    assert taken == []


async def test_bytes_in_a_signature_are_a_wrong_signature() -> None:
    async def take(_job_id: str, _hint: Hint) -> bool:
        raise AssertionError("it was believed")

    asked = "&".join(f"{name}={value}" for name, value in query().items())
    body = b'{"taskId":"t1"}'
    head = f"POST /kie?{asked} HTTP/1.1\r\nHost: x\r\nX-Webhook-Timestamp: 1\r\n".encode()
    raw = head + b"X-Webhook-Signature: \xff\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(callback_app(SECRETS, take, ManualClock())) as url:
        assert await _status(url, raw) == 401


async def _status(url: str, raw: bytes) -> int:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(raw)
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
