"""Callbacks: what is believed, what is not, and that nothing but a hint comes of them."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from adapters.kie.callback import (
    CallbackSecrets,
    Called,
    Rejection,
    address,
    callback_app,
    provider_signature,
    verify,
)
from engine.clock import ManualClock
from states.job import Hint
from tests.adapters.kie.world import serving

OURS = CallbackSecrets("our secret")
BOTH = CallbackSecrets("our secret", "kie webhook key")
NOW = 1_800_000_000
BODY = json.dumps({"code": 200, "msg": "done", "data": {"taskId": "t1", "state": "success"}}).encode()


def query(job: str = "job1", n: int = 2) -> dict[str, str]:
    found = parse_qs(urlsplit(address("https://bot.example", "our secret", job, n)).query)
    return {name: values[0] for name, values in found.items()}


def signed(task: str = "t1", at: int = NOW) -> dict[str, str]:
    return {
        "X-Webhook-Timestamp": str(at),
        "X-Webhook-Signature": provider_signature("kie webhook key", task, str(at)),
    }


def test_a_true_callback_is_a_hint() -> None:
    wanted = Called("job1", Hint("callback", 2, "t1"))
    assert verify(query(), {}, BODY, OURS, NOW) == wanted
    assert verify(query(), signed(), BODY, BOTH, NOW + 299) == wanted
    assert verify(query(), {k.lower(): v for k, v in signed().items()}, BODY, BOTH, NOW) == wanted


def test_the_signature_is_the_documented_one() -> None:
    # printf 't1.1800000000' | openssl dgst -sha256 -hmac 'kie webhook key' -binary | base64
    assert provider_signature("kie webhook key", "t1", "1800000000") == (
        "JsLrNgcrvAO8OrsvlyM8bN58KI9hqcZOlftiKhrNtIg="
    )


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"task_id": "t1"}},
        {"taskId": "t1"},
        {"data": None, "taskId": "t1"},
        {"data": {"taskId": "t1", "info": {"resultUrls": ["https://evil.example/x.mp4"]}}},
    ],
)
def test_every_kind_of_body_names_its_task(body: dict[str, object]) -> None:
    assert verify(query(), {}, json.dumps(body).encode(), OURS, NOW) == Called(
        "job1", Hint("callback", 2, "t1")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"job": "job2"},
        {"n": "3"},
        {"n": "-1"},
        {"n": "²"},
        {"sig": ""},
        {"sig": "ключ"},
        {"job": ""},
        {"n": "9" * 9},
    ],
)
def test_a_changed_address_is_refused(change: dict[str, str]) -> None:
    assert verify(query() | change, {}, BODY, OURS, NOW) is Rejection.ADDRESS


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"t1"', b"{}", b'{"data": {"taskId": 5}}', b"\xff\xfe"])
def test_a_body_without_a_task_is_refused(body: bytes) -> None:
    assert verify(query(), {}, body, OURS, NOW) is Rejection.BODY


@pytest.mark.parametrize(
    ("headers", "rejection"),
    [
        ({}, Rejection.SIGNATURE),
        (signed("t2"), Rejection.SIGNATURE),
        (signed() | {"X-Webhook-Timestamp": str(NOW + 1)}, Rejection.SIGNATURE),
        (signed() | {"X-Webhook-Timestamp": "soon"}, Rejection.SIGNATURE),
        (signed(at=NOW - 301), Rejection.STALE),
        (signed(at=NOW + 301), Rejection.STALE),
    ],
)
def test_the_providers_signature(headers: dict[str, str], rejection: Rejection) -> None:
    assert verify(query(), headers, BODY, BOTH, NOW) is rejection


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(BOTH).replace("CallbackSecrets", "")
    assert "our secret" not in address("https://bot.example", "our secret", "j", 1)


async def test_the_intake_answers_fast_and_repeats_are_harmless() -> None:
    hints: list[tuple[str, Hint]] = []

    async def on_hint(job_id: str, hint: Hint) -> bool:
        hints.append((job_id, hint))
        return job_id == "job1"

    app = callback_app(OURS, on_hint, ManualClock())
    async with serving(app) as url, httpx.AsyncClient() as http:
        true = address(url, "our secret", "job1", 1)
        first, again = await http.post(true, content=BODY), await http.post(true, content=BODY)
        unknown = await http.post(address(url, "our secret", "gone", 1), content=BODY)
        forged = await http.post(true.replace("n=1", "n=2"), content=BODY)
        huge = await http.post(true, content=b" " * 1_500_000)
    assert [first.status_code, again.status_code, unknown.status_code] == [200, 200, 200]
    assert [forged.status_code, huge.status_code] == [401, 413]
    assert [job for job, _ in hints] == ["job1", "job1", "gone"]
