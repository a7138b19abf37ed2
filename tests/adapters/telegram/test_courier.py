import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from adapters.sandbox.faults import Answer, Cut, Fault, Server
from adapters.telegram.ladder import Limits
from adapters.telegram.quiet import Quiet
from engine.clock import ManualClock
from engine.ports import Delivered, Failed
from states.job import Video
from states.vocabulary import ErrorClass, Failure, Reason
from tests.adapters.sandbox.telegram_world import film
from tests.adapters.telegram.world import TOKEN, USER, Scene, Words, keys

MEDIA = ("editMessageMedia", "sendVideo", "sendDocument")


def fault(stage: Scene, method: str, times: int | None = 1, **how: object) -> None:
    stage.telegram.faults.add(Fault(Server.TELEGRAM, method, times, **how))  # type: ignore[arg-type]


def refuse(
    stage: Scene, methods: Sequence[str], code: int, text: str, times: int | None = 1, retry_after: int = 0
) -> None:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": text}
    if retry_after:
        body["parameters"] = {"retry_after": retry_after}
    for method in methods:
        fault(stage, method, times, answer=Answer(code, body))


def lose(stage: Scene, method: str, *, act: bool, times: int | None = 1) -> None:
    """The call hangs until our time-out; `act`: it was carried out all the same."""
    fault(stage, method, times, act=act, close=Cut.AFTER, delay_s=5.0)


def delivered(outcome: Delivered | Failed) -> Delivered:
    assert isinstance(outcome, Delivered), outcome
    return outcome


def refused(outcome: Delivered | Failed) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert TOKEN not in repr(outcome)
    return outcome


async def test_status_message_becomes_the_video(stage: Scene) -> None:
    outcome = delivered(await stage.deliver())
    message = stage.telegram.person(USER).chat.messages[stage.message_id]
    assert (outcome.message_id, outcome.file_kind, outcome.verified) == (stage.message_id, "video", False)
    assert message.body["video"]["file_id"] == outcome.file_id
    assert (message.body["video"]["width"], message.body["video"]["duration"]) == (144, 1)
    assert "thumbnail" in message.body["video"]
    assert (message.text, stage.buttons) == ("Ready", ["again"])
    assert stage.noted == [
        {"status_message_id": stage.message_id, "file_id": outcome.file_id, "file_kind": "video"}
    ]
    assert stage.calls == ["editMessageMedia"]


async def test_known_file_id_is_sent_again_without_the_file(stage: Scene) -> None:
    delivered(await stage.deliver())
    stage.file.unlink()
    status = await stage.bot.send_message(USER, "once more")
    stage.message_id = status.message_id
    outcome = delivered(await stage.deliver())
    assert outcome.file_id == stage.video.file_id
    assert outcome.message_id == status.message_id


async def test_repeated_delivery_makes_no_second_copy(stage: Scene) -> None:
    first = delivered(await stage.deliver())
    second = delivered(await stage.deliver())
    third = delivered(await stage.deliver(again=True))
    assert {first.file_id, second.file_id, third.file_id} == {first.file_id}
    assert stage.videos == 1


async def test_repeated_upload_makes_no_second_copy(stage: Scene) -> None:
    for _ in range(3):
        stage.video = replace(stage.video, file_id="", file_kind="")
        delivered(await stage.deliver())
    assert stage.videos == 1


async def test_lost_answer_of_a_delivered_video_is_verified(stage: Scene) -> None:
    lose(stage, "editMessageMedia", act=True)
    outcome = delivered(await stage.deliver())
    assert outcome.verified
    assert outcome.file_id
    assert stage.noted[-1]["file_id"] == outcome.file_id
    assert (stage.videos, stage.buttons) == (1, ["again"])


async def test_lost_answer_of_a_lost_video_is_surely_not_delivered(stage: Scene) -> None:
    lose(stage, "editMessageMedia", act=False)
    failed = refused(await stage.deliver())
    assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.TRANSIENT, Reason.SEND_TIMEOUT)
    assert (stage.videos, stage.buttons) == (0, [])
    assert delivered(await stage.deliver(again=True)).verified is False
    assert stage.videos == 1


async def test_broken_line_is_a_network_failure(stage: Scene) -> None:
    fault(stage, "editMessageMedia", act=False, close=Cut.BEFORE)
    failed = refused(await stage.deliver())
    assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.TRANSIENT, Reason.NETWORK)


async def test_what_cannot_be_looked_at_stays_unknown(stage: Scene) -> None:
    lose(stage, "editMessageMedia", act=True)
    lose(stage, "editMessageReplyMarkup", act=False, times=None)
    failed = refused(await stage.deliver())
    assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.AMBIGUOUS, Reason.SEND_UNKNOWN)
    stage.telegram.faults.clear()
    assert delivered(await stage.deliver(again=True)).verified
    assert (stage.videos, stage.buttons) == (1, ["again"])


async def test_cut_answer_is_verified(stage: Scene) -> None:
    fault(stage, "editMessageMedia", close=Cut.MID)
    assert delivered(await stage.deliver()).verified
    assert stage.videos == 1


@pytest.mark.parametrize("gone", [False, True])
async def test_message_that_our_models_do_not_know_is_delivered(stage: Scene, *, gone: bool) -> None:
    odd = {"message_id": stage.message_id, "video": {"file_id": "BAACodd"}, "date": "not a number"}
    for method in MEDIA:
        fault(stage, method, answer=Answer(200, {"ok": True, "result": odd}), act=True)
    outcome = delivered(await stage.deliver(gone=gone))
    assert (outcome.file_id, outcome.verified) == ("BAACodd", False)
    assert stage.videos == 1


async def test_gateway_page_is_verified_either_way(stage: Scene) -> None:
    page = Answer(502, "<html><body>502 Bad Gateway</body></html>")
    fault(stage, "editMessageMedia", answer=page, act=True)
    assert delivered(await stage.deliver()).verified
    assert stage.videos == 1


async def test_new_message_answered_by_a_gateway_is_not_sent_again(stage: Scene) -> None:
    bad = Answer(502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})
    fault(stage, "sendVideo", answer=bad, act=True)
    failed = refused(await stage.deliver(gone=True))
    assert failed.verdict.reason is Reason.SEND_UNKNOWN
    refused(await stage.deliver(gone=True, again=True))
    assert stage.videos == 1


async def test_server_error_is_transient_after_a_look(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 500, "Internal Server Error: request aborted")
    failed = refused(await stage.deliver())
    assert failed.verdict.cls is ErrorClass.TRANSIENT


async def test_flood_wait_tells_how_long_and_is_not_answered_with_more_calls(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 429, "Too Many Requests: retry after 34", retry_after=34)
    failed = refused(await stage.deliver())
    assert (failed.verdict.reason, failed.verdict.retry_after_s) == (Reason.RATE_LIMITED, 34)
    assert stage.calls == ["editMessageMedia"]


async def test_edit_crossed_by_a_notice_is_done_again(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 400, "Bad Request: Canceled by new edit message request")
    delivered(await stage.deliver())
    assert (stage.videos, stage.buttons) == (1, ["again"])


async def test_canceled_edit_is_not_taken_for_a_delivery(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 400, "Bad Request: Canceled by new edit message request", times=2)
    failed = refused(await stage.deliver())
    assert failed.verdict.cls is ErrorClass.TRANSIENT
    assert stage.videos == 0


async def test_two_workers_at_once_make_one_copy(stage: Scene) -> None:
    outcomes = await asyncio.gather(*(stage.deliver(again=bool(n)) for n in range(4)))
    assert any(isinstance(outcome, Delivered) for outcome in outcomes)
    assert stage.videos == 1


async def test_a_checkpoint_that_is_refused_prevents_the_send(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Taken(list[dict[str, int | str]]):
        def append(self, _facts: dict[str, int | str]) -> None:
            raise PermissionError("the job belongs to somebody else now")

    monkeypatch.setattr(stage, "noted", Taken())
    with pytest.raises(PermissionError):
        await stage.deliver(gone=True)
    assert stage.calls == []


async def test_chat_that_asked_for_silence_gets_it(stage: Scene) -> None:
    stage.quiet = Quiet(ManualClock())
    refuse(stage, ["editMessageMedia"], 429, "Too Many Requests: retry after 34", retry_after=34)
    for _ in range(2):
        assert refused(await stage.deliver()).verdict.retry_after_s == 34
    assert stage.calls == ["editMessageMedia"]


async def test_deleted_status_message_gives_a_new_one(stage: Scene) -> None:
    await stage.telegram.person(USER).delete(stage.message_id)
    old = stage.message_id
    outcome = delivered(await stage.deliver())
    assert outcome.message_id != old
    assert stage.noted[0] == {"file_id": "", "file_kind": "sending/j1/"}
    assert stage.noted[-1]["status_message_id"] == outcome.message_id
    assert stage.videos == 1


async def test_no_status_message_at_all(stage: Scene) -> None:
    outcome = delivered(await stage.deliver(gone=True))
    assert outcome.message_id != 0
    assert stage.calls == ["sendVideo"]


async def test_unknown_new_message_is_never_sent_twice(stage: Scene) -> None:
    lose(stage, "sendVideo", act=True)
    for again in (False, True, True):
        failed = refused(await stage.deliver(gone=True, again=again))
        assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.AMBIGUOUS, Reason.SEND_UNKNOWN)
    assert stage.videos == 1


async def test_re_delivery_does_not_inherit_the_doubt(stage: Scene) -> None:
    lose(stage, "sendVideo", act=False)
    refused(await stage.deliver(gone=True))
    stage.job_id = "j2"
    delivered(await stage.deliver())
    assert stage.videos == 1


async def test_refused_new_message_may_be_sent_again(stage: Scene) -> None:
    refuse(stage, ["sendVideo"], 429, "Too Many Requests: retry after 3", retry_after=3)
    assert refused(await stage.deliver(gone=True)).verdict.reason is Reason.RATE_LIMITED
    assert stage.noted[-1] == {"file_id": "", "file_kind": ""}
    delivered(await stage.deliver(gone=True, again=True))
    assert stage.videos == 1


async def test_new_message_by_file_id_keeps_the_id_through_the_doubt(stage: Scene) -> None:
    known = delivered(await stage.deliver()).file_id
    refuse(stage, ["sendVideo"], 429, "Too Many Requests: retry after 3", retry_after=3)
    refused(await stage.deliver(gone=True))
    assert (stage.video.file_id, stage.video.file_kind) == (known, "video")


async def test_blocked_user_is_parked_and_gets_it_on_return(stage: Scene) -> None:
    person = stage.telegram.person(USER)
    await person.block()
    failed = refused(await stage.deliver())
    assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.PARKED, Reason.USER_GONE)
    await person.unblock()
    delivered(await stage.deliver(again=True))
    assert stage.videos == 1


async def test_moved_chat_gets_it_under_its_new_id(stage: Scene) -> None:
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    body = {"ok": False, "error_code": 400, "description": text, "parameters": {"migrate_to_chat_id": 1002}}
    fault(stage, "editMessageMedia", answer=Answer(400, body))
    await stage.telegram.person(1002).start()
    outcome = delivered(await stage.deliver())
    assert outcome.message_id in stage.telegram.person(1002).chat.messages


@pytest.mark.parametrize(
    "text",
    [
        'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0',
        "Bad Request: BUTTON_DATA_INVALID",
        "Bad Request: message caption is too long",
    ],
)
async def test_fault_of_our_markup_does_not_keep_the_video_back(stage: Scene, text: str) -> None:
    refuse(stage, ["editMessageMedia"], 400, text)
    delivered(await stage.deliver())
    message = stage.telegram.person(USER).chat.messages[stage.message_id]
    assert (message.kind, message.text, stage.buttons) == ("video", "Ready", [])
    assert [failure.message for failure in stage.reported] == [text]


async def test_real_broken_markup_does_not_keep_the_video_back(stage: Scene) -> None:
    stage.dress = Words("<b>Ready &amp; done", keys("x" * 200))
    delivered(await stage.deliver())
    assert stage.telegram.person(USER).chat.messages[stage.message_id].text == "Ready & done"


async def test_dead_token_is_the_operators(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 401, "Unauthorized")
    assert refused(await stage.deliver()).verdict.cls in (ErrorClass.OPERATOR, ErrorClass.SYSTEM)


async def test_stale_file_id_steps_down_to_the_upload(stage: Scene) -> None:
    stage.video = replace(stage.video, file_id="BAACAgQstale", file_kind="video")
    outcome = delivered(await stage.deliver())
    assert outcome.file_id != "BAACAgQstale"


async def test_id_from_before_a_link_is_not_used(stage: Scene) -> None:
    stage.video = replace(stage.video, file_id="BAACAgQstale", file_kind="link")
    assert delivered(await stage.deliver()).file_kind == "video"
    assert stage.calls == ["editMessageMedia"]


async def test_url_is_tried_first_and_never_twice(stage: Scene) -> None:
    stage.url = "https://videos.example/v.mp4"
    refuse(stage, ["editMessageMedia"], 400, "Bad Request: failed to get HTTP URL content")
    delivered(await stage.deliver())
    assert stage.calls.count("editMessageMedia") == 2
    stage.telegram.world.calls.clear()
    stage.video = replace(stage.video, file_id="", file_kind="")
    delivered(await stage.deliver(again=True))
    assert "editMessageMedia" not in stage.calls  # seen already


async def test_refused_video_goes_as_a_document(stage: Scene) -> None:
    refuse(stage, ["editMessageMedia"], 400, "Bad Request: wrong type of the web page content")
    outcome = delivered(await stage.deliver())
    assert outcome.file_kind == "document"
    again = delivered(await stage.deliver())
    assert (again.file_id, again.file_kind) == (outcome.file_id, "document")


async def test_too_heavy_video_is_a_link(stage: Scene) -> None:
    stage.url = "https://videos.example/v.mp4"
    stage.limits = Limits(url_bytes=10, upload_bytes=len(film()) - 1)
    stage.video = replace(stage.video, size=len(film()))
    outcome = delivered(await stage.deliver())
    assert (outcome.file_kind, outcome.message_id) == ("link", stage.message_id)
    message = stage.telegram.person(USER).chat.messages[stage.message_id]
    assert message.buttons[0][0]["url"] == stage.url
    assert stage.calls == ["editMessageText"]


async def test_413_goes_straight_to_the_link(stage: Scene) -> None:
    stage.url = "https://videos.example/v.mp4"
    refuse(stage, MEDIA, 413, "Request Entity Too Large", times=None)
    assert delivered(await stage.deliver(again=True)).file_kind == "link"
    assert stage.calls.count("editMessageMedia") == 1


async def test_no_rung_at_all_is_video_rejected(stage: Scene) -> None:
    refuse(stage, MEDIA, 413, "Request Entity Too Large", times=None)
    failed = refused(await stage.deliver())
    assert (failed.verdict.cls, failed.verdict.reason) == (ErrorClass.SYSTEM, Reason.VIDEO_REJECTED)


async def test_missing_file_is_a_lost_storage_not_a_network(stage: Scene) -> None:
    stage.file.unlink()
    assert refused(await stage.deliver()).verdict.reason is Reason.STORAGE_LOST
    assert stage.calls == []


async def test_bytes_that_cannot_be_fetched_fail_before_any_send(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(video: Video) -> Failure:
        return Failure(source="kie", step="download", http_status=404, message="not found")

    monkeypatch.setattr(stage, "_fetch", fetch)
    assert refused(await stage.deliver()).verdict.cls in (ErrorClass.SYSTEM, ErrorClass.TRANSIENT)
    assert stage.calls == []


async def test_dressed_link_keeps_its_keyboard(stage: Scene) -> None:
    stage.url = "https://videos.example/v.mp4"
    stage.limits = Limits(url_bytes=0, upload_bytes=0)
    button = InlineKeyboardButton(text="again", callback_data="again")
    stage.dress = Words("Ready", InlineKeyboardMarkup(inline_keyboard=[[button]]))
    delivered(await stage.deliver())
    assert stage.buttons == ["⬇️ MP4", "again"]
