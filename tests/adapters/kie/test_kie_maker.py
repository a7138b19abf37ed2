"""The maker end to end: plan, create, poll, download, with the real classifier and a scripted KIE."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from adapters.kie.catalogue import Catalogue
from adapters.kie.maker import MakerConfig
from engine.ports import Accepted, CreatePlan, Failed, Rendered, Rendering, VideoMaker
from states.vocabulary import ErrorClass, Failure, Reason
from tests.adapters.kie.world import (
    CREATE,
    KEY,
    LINK,
    RECORD,
    SEEDANCE,
    SPARE,
    UPLOAD,
    VEO_CREATE,
    Shop,
    a_job,
    a_task,
    file_answer,
    film,
    intended,
    ok,
    record,
    shop,
)

GROK = "grok-imagine/image-to-video"
PAUSED = {"code": 500, "msg": "This interface is temporarily paused.", "data": None}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path, keys=(KEY, SPARE)) as opened:
        yield opened


def succeeded(world: Shop, data: bytes, **fields: Any) -> str:
    url = f"{world.kie.url}/out/a.mp4"
    world.kie.answers("/out/a.mp4", file_answer(data))
    world.kie.answers(RECORD, record("success", resultJson={"resultUrls": [url]}, **fields))
    return url


# --- the whole way ------------------------------------------------------------------------------


async def test_a_photo_becomes_a_video(world: Shop, tmp_path: Path) -> None:
    maker: VideoMaker = world.maker
    job = a_job(world.clock)
    plan = maker.plan_create(job)
    assert plan == CreatePlan(SEEDANCE, "main")
    world.kie.answers(CREATE, ok({"taskId": "t1"}))
    assert await maker.create(job, a_task(world.clock, task_id=None), intended) == Accepted("t1")
    body = world.kie.to(CREATE)[0].json
    assert body["model"] == SEEDANCE
    assert body["input"]["input_urls"][0].endswith(".jpg")
    assert "callBackUrl" not in body
    world.kie.answers(RECORD, record("generating"))
    assert isinstance(await maker.poll(job, a_task(world.clock)), Rendering)
    data = film(tmp_path / "a.mp4")
    url = succeeded(world, data, creditsConsumed=35.0)
    got = await maker.poll(job, a_task(world.clock))
    assert isinstance(got, Rendered)
    video = got.video
    assert (video.url, video.task_n, video.size, got.cost) == (url, 1, len(data), 35.0)
    assert (video.width, video.height) == (144, 256)
    assert video.duration_s == pytest.approx(1.0, abs=0.1)
    found = await world.maker.fetch_video(video)
    assert isinstance(found, Path)
    assert found.read_bytes() == data
    assert len(world.kie.to("/out/a.mp4")) == 1


async def test_the_uploaded_photo_is_padded_and_clean(world: Shop, tmp_path: Path) -> None:
    world.kie.answers(CREATE, ok({"taskId": "t1"}))
    await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    body = world.kie.to(UPLOAD)[0].body
    start = body.index(b"\xff\xd8\xff")
    sent = tmp_path / "sent.jpg"
    sent.write_bytes(body[start:])
    with Image.open(sent) as picture:
        assert picture.format == "JPEG"
        assert picture.width / picture.height == pytest.approx(9 / 16, abs=0.01)
        assert not picture.getexif()


async def test_a_fresh_upload_is_used_again_and_an_old_one_is_not(world: Shop) -> None:
    world.kie.answers(CREATE, {"code": 429, "msg": "Too many requests"}, ok({"taskId": "t1"}))
    job = a_job(world.clock)
    for hours in (0, 19, 2):
        world.clock.advance(hours * 3_600)
        await world.maker.create(job, a_task(world.clock), intended)
    urls = [one.json["input"]["input_urls"][0] for one in world.kie.to(CREATE)]
    assert urls[0] == urls[1] != urls[2]
    assert len(world.kie.to(UPLOAD)) == 2


async def test_a_photo_the_provider_could_not_fetch_is_uploaded_again(world: Shop) -> None:
    refusal = {"code": 451, "msg": "Image fetch failed. Check access settings."}
    world.kie.answers(CREATE, refusal, ok({"taskId": "t1"}))
    job = a_job(world.clock)
    got = await world.maker.create(job, a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert got.verdict.cls is not ErrorClass.USER
    assert isinstance(await world.maker.create(job, a_task(world.clock), intended), Accepted)
    assert len(world.kie.to(UPLOAD)) == 2


async def test_the_callback_address_names_job_and_call(tmp_path: Path) -> None:
    config = MakerConfig(public_url="https://bot.example/", callback_secret="c-secret")  # noqa: S106 made up
    assert "c-secret" not in repr(config)
    async with shop(tmp_path, config=config) as world:
        world.kie.answers(CREATE, ok({"taskId": "t1"}))
        await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
        url = world.kie.to(CREATE)[0].json["callBackUrl"]
    assert url.startswith("https://bot.example/kie?job=job1&n=1&sig=")
    assert "c-secret" not in url


async def test_a_job_that_was_taken_away_buys_nothing(world: Shop) -> None:
    async def taken() -> bool:
        assert len(world.kie.to(UPLOAD)) == 1, "the intent is recorded after the upload"
        return False

    got = await world.maker.create(a_job(world.clock), a_task(world.clock), taken)
    assert isinstance(got, Failed)
    assert got.failure.may_have_arrived is False
    assert world.kie.to(CREATE) == []


async def test_veo_goes_its_own_way(world: Shop) -> None:
    world.kie.answers(VEO_CREATE, ok({"taskId": "v1"}))
    got = await world.maker.create(a_job(world.clock), a_task(world.clock, model="veo3_lite"), intended)
    assert got == Accepted("v1")
    assert world.kie.to(CREATE) == []


# --- trouble with creating ----------------------------------------------------------------------


async def test_an_unreachable_photo_blames_nobody_and_buys_nothing(world: Shop) -> None:
    world.photo = Failure(source="telegram", step="photo", http_status=400, message="wrong file_id")
    got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert got.verdict.cls is ErrorClass.SYSTEM
    assert got.failure.may_have_arrived is False
    assert world.kie.seen == []


async def test_a_file_that_is_no_photo_is_the_users(world: Shop) -> None:
    world.photo = b"GIF89a nothing"
    got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert (got.verdict.cls, got.verdict.reason) == (ErrorClass.USER, Reason.BAD_FORMAT)


async def test_an_upload_that_breaks_is_surely_no_task(world: Shop) -> None:
    world.kie.answers(UPLOAD, lambda _: web.Response(status=502, text="bad gateway"))
    got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert (got.failure.step, got.failure.may_have_arrived) == ("upload", False)
    assert got.verdict.cls is ErrorClass.TRANSIENT


async def test_an_empty_balance_tries_the_other_key(world: Shop) -> None:
    world.kie.answers(CREATE, {"code": 402, "msg": "Credits insufficient : top up"})
    job = a_job(world.clock)
    got = await world.maker.create(job, a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert (got.verdict.reason, got.refused, got.alternative) == (Reason.PROVIDER_BALANCE, "*|main", True)
    job = replace(job, refused=("*|main",))
    assert world.maker.plan_create(job) == CreatePlan(SEEDANCE, "spare")
    again = await world.maker.create(job, a_task(world.clock, key="spare"), intended)
    assert isinstance(again, Failed)
    assert (again.refused, again.alternative) == ("*|spare", False)


async def test_when_nothing_is_left_the_operator_is_needed_until_money_comes(world: Shop) -> None:
    world.kie.answers(CREATE, {"code": 402, "msg": "Credits insufficient : top up"})
    job = a_job(world.clock, refused=("*|main", "*|spare"))
    for key in ("main", "spare"):
        await world.maker.create(job, a_task(world.clock, key=key), intended)
    nothing = world.maker.plan_create(job)
    assert isinstance(nothing, Failed)
    assert (nothing.verdict.cls, nothing.verdict.reason) == (ErrorClass.OPERATOR, Reason.PROVIDER_BALANCE)
    stranger = world.maker.plan_create(a_job(world.clock))
    assert isinstance(stranger, Failed)
    assert stranger.verdict.cls is ErrorClass.OPERATOR, "another job does not spend its attempts on it either"
    assert nothing.failure.may_have_arrived is False
    world.clock.advance(61)
    assert isinstance(world.maker.plan_create(job), CreatePlan)


async def test_a_paused_model_gives_way_to_another_maker(world: Shop) -> None:
    world.kie.answers(CREATE, PAUSED)
    job = a_job(world.clock)
    got = await world.maker.create(job, a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert (got.verdict.reason, got.refused) == (Reason.MODEL_RETIRED, f"{SEEDANCE}|*")
    assert got.alternative
    plan = world.maker.plan_create(replace(job, refused=(got.refused,)))
    assert isinstance(plan, CreatePlan)
    assert plan.model == GROK


async def test_sora_2_is_known_but_never_bought(world: Shop) -> None:
    plan = world.maker.plan_create(a_job(world.clock, model="sora-2-image-to-video"))
    assert isinstance(plan, CreatePlan)
    assert plan.model == SEEDANCE


async def test_keys_take_turns(world: Shop) -> None:
    plans = [world.maker.plan_create(a_job(world.clock)) for _ in range(4)]
    assert [plan.key for plan in plans if isinstance(plan, CreatePlan)] == ["main", "spare", "main", "spare"]


async def test_a_crowded_model_rests_and_one_probe_wakes_it(tmp_path: Path) -> None:
    others = [model.id for model in Catalogue().all() if model.id != SEEDANCE]
    async with shop(tmp_path, catalogue=Catalogue(disabled=others)) as world:
        world.kie.answers(CREATE, {"code": 455, "msg": "The service is being maintained"})
        job = a_job(world.clock)
        for _ in range(3):
            await world.maker.create(job, a_task(world.clock), intended)
        resting = world.maker.plan_create(job)
        assert isinstance(resting, Failed)
        assert resting.verdict.cls is ErrorClass.TRANSIENT
        assert resting.verdict.retry_after_s == 60
        world.clock.advance(60)
        assert isinstance(world.maker.plan_create(job), CreatePlan)
        assert isinstance(world.maker.plan_create(job), Failed)
        world.kie.answers(CREATE, ok({"taskId": "t1"}))
        await world.maker.create(job, a_task(world.clock), intended)
        assert isinstance(world.maker.plan_create(job), CreatePlan)


async def test_a_lame_file_host_says_nothing_of_the_model(world: Shop) -> None:
    world.kie.answers(UPLOAD, lambda _: web.Response(status=503))
    world.kie.answers(RECORD, lambda _: web.Response(status=503))
    for _ in range(5):
        assert isinstance(await world.maker.create(a_job(world.clock), a_task(world.clock), intended), Failed)
        assert isinstance(await world.maker.poll(a_job(world.clock), a_task(world.clock)), Failed)
    plan = world.maker.plan_create(a_job(world.clock))
    assert isinstance(plan, CreatePlan)
    assert plan.model == SEEDANCE


async def test_a_users_fault_says_nothing_of_the_model(world: Shop) -> None:
    world.kie.answers(CREATE, {"code": 400, "msg": "Your prompt was flagged by the content policy"})
    for _ in range(5):
        got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
        assert isinstance(got, Failed)
        assert (got.verdict.cls, got.refused) == (ErrorClass.USER, "")
    assert isinstance(world.maker.plan_create(a_job(world.clock)), CreatePlan)


async def test_a_lost_create_is_ambiguous(world: Shop) -> None:
    world.kie.answers(CREATE, lambda _: web.Response(status=502, text="<h1>bad gateway</h1>"))
    got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    assert isinstance(got, Failed)
    assert got.verdict.reason is Reason.CREATE_UNKNOWN
    assert len(world.kie.to(CREATE)) == 1


# --- trouble with polling -----------------------------------------------------------------------


async def test_a_new_task_may_be_unknown_for_a_while(world: Shop) -> None:
    world.kie.answers(RECORD, {"code": 422, "msg": "recordInfo is null", "data": None})
    job, task = a_job(world.clock), a_task(world.clock)
    world.clock.advance(89)
    assert isinstance(await world.maker.poll(job, task), Rendering)
    world.clock.advance(2)
    assert isinstance(await world.maker.poll(job, task), Failed)


async def test_an_unknown_word_is_noted(world: Shop) -> None:
    world.kie.answers(RECORD, record("preparing"))
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Rendering)
    assert got.note == "preparing"


async def test_a_crowded_query_is_no_failure_of_the_task(world: Shop) -> None:
    answer = {"code": 430, "msg": "Your call frequency is too high. Please try again later."}
    world.kie.answers(RECORD, lambda _: web.json_response(answer, headers={"Retry-After": "17"}))
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Rendering)
    assert got.poll_after_s >= 17


async def test_a_failed_task_is_dead_and_its_inner_text_decides(world: Shop) -> None:
    text = "We currently do not support uploads of images containing photorealistic people."
    world.kie.answers(RECORD, record("fail", failCode="500", failMsg=text, creditsConsumed=0.0))
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Failed)
    assert (got.task_dead, got.cost, got.verdict.reason) == (True, 0.0, Reason.REAL_PERSON)


async def test_the_end_of_a_watch_is_not_the_end_of_the_task(world: Shop) -> None:
    world.kie.answers(RECORD, record("generating"))
    job, task = a_job(world.clock), a_task(world.clock)
    world.clock.advance(601)
    got = await world.maker.poll(job, task)
    assert isinstance(got, Failed)
    assert (got.verdict.reason, got.verdict.rule, got.task_dead) == (
        Reason.RENDER_TIMEOUT,
        "engine.watch",
        False,
    )
    resumed = replace(job, stage_since_ms=world.clock.now_ms())
    assert isinstance(await world.maker.poll(resumed, task), Rendering)


async def test_past_the_hard_limit_the_task_is_given_up_unless_it_is_done(
    world: Shop, tmp_path: Path
) -> None:
    world.kie.answers(RECORD, record("waiting"))
    job, task = a_job(world.clock), a_task(world.clock)
    world.clock.advance(1_801)
    job = replace(job, stage_since_ms=world.clock.now_ms())
    got = await world.maker.poll(job, task)
    assert isinstance(got, Failed)
    assert got.task_dead
    succeeded(world, film(tmp_path / "late.mp4"))
    assert isinstance(await world.maker.poll(job, task), Rendered)


async def test_success_without_an_address_keeps_the_task(world: Shop) -> None:
    world.kie.answers(RECORD, record("success", resultJson="{}"))
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Failed)
    assert (got.verdict.reason, got.task_dead) == (Reason.BAD_RESPONSE, False)


async def test_a_corrupted_video_twice_is_the_providers(world: Shop, tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4")
    succeeded(world, data[: len(data) // 3])
    job, task = a_job(world.clock), a_task(world.clock)
    first = await world.maker.poll(job, task)
    second = await world.maker.poll(job, task)
    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert first.verdict.reason is second.verdict.reason is Reason.CORRUPTED_VIDEO
    assert (first.task_dead, second.task_dead) == (False, True)


async def test_a_result_that_moved_is_had_by_a_fresh_link(world: Shop, tmp_path: Path) -> None:
    world.kie.answers(RECORD, record("success", resultJson={"resultUrls": [f"{world.kie.url}/gone.mp4"]}))
    world.kie.answers("/gone.mp4", lambda _: web.Response(status=404))
    world.kie.answers(LINK, ok(f"{world.kie.url}/fresh.mp4"))
    world.kie.answers("/fresh.mp4", file_answer(film(tmp_path / "a.mp4")))
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Rendered)


async def test_a_foreign_address_is_never_fetched(world: Shop) -> None:
    foreign = "http://127.0.0.2:1/a.mp4"
    world.kie.answers(RECORD, record("success", resultJson={"resultUrls": [foreign]}))
    world.kie.answers(LINK, {"code": 422, "msg": "url is wrong", "data": None}, ok(foreign))
    for words in ("url is wrong", "refused to download from host 127.0.0.2"):
        got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
        assert isinstance(got, Failed)
        assert got.failure.message == words


async def test_fetch_video_downloads_again_when_the_disk_lost_it(world: Shop, tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4")
    succeeded(world, data)
    got = await world.maker.poll(a_job(world.clock), a_task(world.clock))
    assert isinstance(got, Rendered)
    path = await world.maker.fetch_video(got.video)
    assert isinstance(path, Path)
    path.write_bytes(b"rotten")
    again = await world.maker.fetch_video(got.video)
    assert isinstance(again, Path)
    assert again.read_bytes() == data
    assert len(world.kie.to("/out/a.mp4")) == 2


async def test_no_key_in_any_failure_or_log(world: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world.kie.answers(CREATE, {"code": 401, "msg": f"Bad key {KEY.value}"})
    got = await world.maker.create(a_job(world.clock), a_task(world.clock), intended)
    assert KEY.value not in repr(got)
    assert caplog.records
    assert KEY.value not in caplog.text
