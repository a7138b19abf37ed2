import asyncio

import pytest

from adapters.sandbox.faults import Answer, Cut, Fault, Server
from adapters.telegram import files
from adapters.telegram.failures import judge
from adapters.telegram.files import fetch_photo
from engine.clock import ManualClock
from states.vocabulary import ErrorClass, Failure, Label
from tests.adapters.sandbox.telegram_world import picture
from tests.adapters.telegram.world import BRISK, TOKEN, USER, Scene


async def photo_id(stage: Scene) -> str:
    message = await stage.telegram.person(USER).send_photo(picture())
    return str(message.body["photo"][-1]["file_id"])


async def fetch(stage: Scene, file_id: str) -> bytes | Failure:
    clock = ManualClock()
    task = asyncio.create_task(fetch_photo(stage.bot, file_id, clock=clock, timeouts=BRISK))
    async with asyncio.timeout(5):
        while not task.done():
            clock.advance(10)
            await asyncio.wait({task}, timeout=0.02)
    outcome = task.result()
    assert TOKEN not in repr(outcome)
    return outcome


def say(stage: Scene, method: str, code: int, text: str, times: int | None = 1) -> None:
    body = {"ok": False, "error_code": code, "description": text}
    stage.telegram.faults.add(Fault(Server.TELEGRAM, method, times, answer=Answer(code, body)))


async def test_photo_comes_back(stage: Scene) -> None:
    data = await fetch(stage, await photo_id(stage))
    assert isinstance(data, bytes)
    assert data.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (400, "Bad Request: wrong file_id or the file is temporarily unavailable"),
        (500, "Internal Server Error"),
    ],
)
async def test_passing_trouble_is_asked_again(stage: Scene, code: int, text: str) -> None:
    say(stage, "getFile", code, text, times=2)
    assert isinstance(await fetch(stage, await photo_id(stage)), bytes)


async def test_wrong_file_id_is_not_asked_for_ever(stage: Scene) -> None:
    outcome = await fetch(stage, "AgACAgnonsense")
    assert isinstance(outcome, Failure)
    assert judge(outcome).cls is ErrorClass.TRANSIENT


async def test_too_big_is_the_users_to_mend(stage: Scene) -> None:
    say(stage, "getFile", 400, "Bad Request: file is too big")
    outcome = await fetch(stage, await photo_id(stage))
    assert isinstance(outcome, Failure)
    assert judge(outcome).label is Label.USER_ERROR
    assert stage.calls.count("getFile") == 1


@pytest.mark.parametrize("limit", [0, 100])
async def test_size_is_limited_while_streaming(
    stage: Scene, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    file_id = await photo_id(stage)
    monkeypatch.setattr(files, "DOWNLOAD_BYTES", limit)
    outcome = await fetch(stage, file_id)
    assert isinstance(outcome, Failure)
    assert judge(outcome).label is Label.USER_ERROR


async def test_cut_download_is_started_again(stage: Scene) -> None:
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "file", close=Cut.MID))
    data = await fetch(stage, await photo_id(stage))
    assert isinstance(data, bytes)
    assert data.endswith(b"\xff\xd9")


async def test_missing_file_never_shows_its_address(stage: Scene) -> None:
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "file", None, answer=Answer(404, "gone")))
    outcome = await fetch(stage, await photo_id(stage))
    assert isinstance(outcome, Failure)
    assert outcome.http_status == 404
    assert "<token>" in outcome.exception
