import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from adapters.sandbox.faults import Answer, Cut
from adapters.sandbox.kie_tasks import Account
from engine.clock import ManualClock
from tests.adapters.sandbox.kie_world import KEY, Desk, open_desk


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    async with open_desk(clock) as made:
        yield made


# --- webhooks -------------------------------------------------------------------------------------


@dataclass
class Listener:
    """The bot's side of a webhook."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers) | dict(request.query), await request.json()))
        self.arrived.set()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.got) < count:
                self.arrived.clear()
                await self.arrived.wait()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    app = web.Application()
    app.router.add_post("/kie", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/kie?job=j1&n=2"
    yield made
    await runner.cleanup()


async def _wake(desk: Desk, seconds: float) -> None:
    """Move the clock once somebody sleeps on it."""
    async with asyncio.timeout(10):
        while desk.clock.next_ms() is None:  # noqa: ASYNC110 - a manual clock tells nobody who sleeps on it
            await asyncio.sleep(0)
    desk.clock.advance(seconds)


async def test_the_end_is_called_back_signed_with_our_address_unchanged(
    desk: Desk, listener: Listener
) -> None:
    task = await desk.task(callBackUrl=listener.url)
    await _wake(desk, 300)
    await listener.wait(1)
    head, body = listener.got[0]
    assert (head["job"], head["n"]) == ("j1", "2")
    assert (body["code"], body["msg"]) == (200, "Playground task completed successfully.")
    assert body["data"]["taskId"] == task
    assert json.loads(body["data"]["param"])["callBackUrl"] == listener.url
    text = f"{task}.{head['X-Webhook-Timestamp']}".encode()
    wanted = base64.b64encode(hmac.new(b"hook-key", text, hashlib.sha256).digest()).decode()
    assert head["X-Webhook-Signature"] == wanted


async def test_a_failed_task_is_called_back_as_501(desk: Desk, listener: Listener) -> None:
    desk.fault("render", answer=Answer(body={"failCode": "500", "failMsg": "nsfw"}))
    await desk.task(callBackUrl=listener.url)
    await _wake(desk, 300)
    await listener.wait(1)
    body = listener.got[0][1]
    assert (body["code"], body["msg"]) == (501, "Playground task failed.")
    assert body["data"]["failMsg"] == "nsfw"


async def test_a_webhook_is_tried_four_times_in_all(desk: Desk, listener: Listener) -> None:
    listener.answers = [500, 500, 500, 500]
    await desk.task(callBackUrl=listener.url)
    await _wake(desk, 300)
    for count in (1, 2, 3):
        await listener.wait(count)
        await _wake(desk, 10)
    await listener.wait(4)
    assert desk.clock.next_ms() is None


async def test_a_webhook_can_be_lost_and_doubled(desk: Desk, listener: Listener) -> None:
    desk.fault("callback", close=Cut.BEFORE)
    desk.fault("callback", act=True, answer=Answer(body={"copies": 3}))
    await desk.task(callBackUrl=listener.url)
    await _wake(desk, 300)
    await _wake(desk, 10)
    await listener.wait(3)
    assert len({body["data"]["taskId"] for _, body in listener.got}) == 1


async def test_veo_calls_back_in_its_own_shape(desk: Desk, listener: Listener) -> None:
    photo = await desk.upload()
    wish = {"prompt": "push in", "imageUrls": [photo], "model": "veo3_lite", "callBackUrl": listener.url}
    await desk.call("POST", "/api/v1/veo/generate", json=wish)
    await _wake(desk, 300)
    await listener.wait(1)
    body = listener.got[0][1]
    assert body["code"] == 200
    assert body["data"]["info"]["resultUrls"][0].endswith("/film.mp4")


# --- the panel ------------------------------------------------------------------------------------


async def test_the_state_page_shows_everything_but_the_keys(desk: Desk) -> None:
    await desk.task()
    got = await desk.http.get("/sandbox/state")
    facts = got.json()
    assert (facts["creates"], facts["accepted"], facts["uploads"]) == (1, 1, 1)
    assert facts["tasks"][0]["state"] == "waiting"
    assert KEY not in got.text
    assert KEY not in repr(Account("account-1", 1.0))


async def test_faults_can_be_posted_and_lifted(desk: Desk) -> None:
    posted = {"server": "kie", "method": "credit", "answer": {"status": 503, "body": {"code": 503}}}
    got = await desk.http.post("/sandbox/faults", json=posted)
    assert (await desk.http.get("/sandbox/faults")).json()[0]["id"] == got.json()[0]["id"]
    assert (await desk.http.get("/api/v1/chat/credit")).status_code == 503
    await desk.http.post("/sandbox/faults", json=[posted, posted])
    lifted = await desk.http.delete("/sandbox/faults", params={"id": got.json()[0]["id"]})
    assert len(lifted.json()) == 2
    assert (await desk.http.delete("/sandbox/faults", params={"id": "none"})).status_code == 404
    assert (await desk.http.delete("/sandbox/faults")).json() == []


async def test_a_wrong_fault_gets_a_sentence_and_a_form_is_refused(desk: Desk) -> None:
    wrong = await desk.http.post("/sandbox/faults", json={"server": "moon"})
    assert wrong.status_code == 400
    assert "moon" in wrong.json()["error"]
    assert (await desk.http.post("/sandbox/faults", data={"server": "kie"})).status_code == 415
