"""The house's own KIE client against the sandbox: what it sends is taken, what it gets it understands."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.kie import payloads
from adapters.kie.answers import Phase, TaskCreated, TaskReport, Uploaded
from adapters.kie.catalogue import MODELS, Endpoint, Model
from adapters.kie.client import KieClient, KieSettings
from adapters.kie.keys import ApiKey
from adapters.kie.library import Kept, VideoLibrary
from adapters.sandbox.faults import Answer, Fault, Server
from engine.clock import ManualClock
from states.classify import classify_kie_error
from states.job import Request
from states.vocabulary import Failure, Reason
from tests.adapters.sandbox.kie_world import COFFEE, KEY, Desk, open_desk

OURS = ApiKey("main", KEY)
ALIVE = [model for model in MODELS if not model.retired_at]
WISH = Request(chat_id=1, photo="file-id", template="own", prompt="slow push in", model="")


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    async with open_desk(clock) as made:
        yield made


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[KieClient]:
    made = KieClient(KieSettings(base_url=desk.kie.url, file_base_url=desk.kie.url))
    yield made
    await made.aclose()


async def _create(client: KieClient, model: Model) -> TaskCreated | Failure:
    photo = await client.upload(OURS, COFFEE.read_bytes(), "cup.jpg")
    assert isinstance(photo, Uploaded)
    body = payloads.build(model, WISH, photo.url)
    make = client.veo_generate if model.endpoint is Endpoint.VEO else client.create_task
    return await make(OURS, body)


@pytest.mark.parametrize("model", ALIVE, ids=lambda model: model.id)
async def test_every_model_of_the_catalogue_gives_a_video(
    desk: Desk, client: KieClient, model: Model, tmp_path: Path
) -> None:
    made = await _create(client, model)
    assert isinstance(made, TaskCreated), made
    desk.clock.advance(model.expected_s * 2)
    look = client.veo_record_info if model.endpoint is Endpoint.VEO else client.record_info
    report = await look(OURS, made.task_id)
    assert isinstance(report, TaskReport)
    assert report.phase is Phase.SUCCEEDED
    kept = await VideoLibrary(client, tmp_path).fetch(report.urls[0], OURS, "film")
    assert isinstance(kept, Kept), kept
    shape = ("h264", 720, 1280) if model.aspects else ("h264", 1280, 720)  # else the photo's own
    assert (kept.facts.codec, kept.facts.width, kept.facts.height) == shape
    cost = 1000.0 - desk.kie.state.accounts[0].balance
    assert cost == model.provider_cost(WISH.duration_s)


async def test_sora_is_gone(client: KieClient) -> None:
    sora = next(model for model in MODELS if model.id == "sora-2-image-to-video")
    made = await _create(client, sora)
    assert isinstance(made, Failure)
    assert classify_kie_error(made).reason is Reason.MODEL_RETIRED


async def test_an_empty_account_is_the_operators_matter(desk: Desk, client: KieClient) -> None:
    desk.kie.state.set_balance(0)
    made = await _create(client, ALIVE[0])
    assert isinstance(made, Failure)
    assert classify_kie_error(made).reason is Reason.PROVIDER_BALANCE


async def test_a_refused_photo_arrives_as_the_inner_text(desk: Desk, client: KieClient) -> None:
    body = {"failCode": "400", "failMsg": "Photo is too dark / blurry"}
    desk.kie.faults.add(Fault(Server.KIE, "render", answer=Answer(body=body)))
    made = await _create(client, ALIVE[0])
    assert isinstance(made, TaskCreated)
    desk.clock.advance(300)
    report = await client.record_info(OURS, made.task_id)
    assert isinstance(report, TaskReport)
    assert (report.phase, report.fail_message) == (Phase.FAILED, "Photo is too dark / blurry")
    assert report.cost == 0.0


async def test_models_on_offer_are_the_catalogues(client: KieClient) -> None:
    offered = await client.models(OURS)
    assert not isinstance(offered, Failure)
    assert {model.id for model in ALIVE} <= offered
