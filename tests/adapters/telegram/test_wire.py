import json
import socket
from pathlib import Path

import pytest
from aiogram.methods import SendMessage, SendVideo
from aiogram.types import Message

from adapters.telegram.client import Timeouts, Upload, call, make_bot
from adapters.telegram.failures import judge, scrub, spell_chain
from states.vocabulary import ErrorClass, Failure, Label, Reason
from tests.adapters.telegram.world import (
    BRISK,
    TOKEN,
    Script,
    answering,
    close_after_body,
    close_at_once,
    hang,
    stall,
    wire,
)

HEAVY = 30 << 20


async def send(base: str, file: Upload, timeouts: Timeouts = BRISK) -> Message | Failure:
    bot = make_bot(TOKEN, base, timeouts)
    try:
        method = SendVideo(chat_id=1, video=file)
        return await call(bot, method, timeout=timeouts.heavy(), drained=lambda: file.drained)
    finally:
        await bot.session.close()


async def broken(script: Script, data: bytes = b"small") -> Failure:
    async with wire(script) as base:
        answer = await send(base, Upload(data, "v.mp4"))
    assert isinstance(answer, Failure)
    assert TOKEN not in repr(answer)
    assert TOKEN.partition(":")[2] not in repr(answer)
    return answer


def said(code: int, text: str | None, **parameters: int) -> str:
    body: dict[str, object] = {"ok": False, "error_code": code}
    if text is not None:
        body["description"] = text
    if parameters:
        body["parameters"] = parameters
    return json.dumps(body)


async def test_refused_connection_surely_did_not_arrive() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await send(f"http://127.0.0.1:{taken.getsockname()[1]}", Upload(b"x", "v.mp4"))
    assert isinstance(answer, Failure)
    assert answer.may_have_arrived is False
    assert "ClientConnectorError" in answer.exception
    assert judge(answer).cls is ErrorClass.TRANSIENT


async def test_connect_that_hangs_surely_did_not_arrive() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # A full backlog leaves further connects hanging.
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            answer = await send(f"http://127.0.0.1:{address[1]}", Upload(b"x", "v.mp4"))
        finally:
            for one in crowd:
                one.close()
    assert isinstance(answer, Failure)
    assert answer.may_have_arrived is False
    assert judge(answer).cls is ErrorClass.TRANSIENT


async def test_stalled_upload_is_known_to_be_incomplete() -> None:
    file = Upload(bytes(HEAVY), "v.mp4")
    async with wire(stall) as base:
        quick = Timeouts(connect_s=0.3, call_s=0.5, answer_s=0.3, upload_s=0.6)
        answer = await send(base, file, quick)
    assert isinstance(answer, Failure)
    assert not file.drained
    assert answer.may_have_arrived is False
    assert judge(answer).label is Label.TRANSIENT


async def test_close_during_a_heavy_upload_is_known_to_be_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(bytes(HEAVY))
    file = Upload(path, "v.mp4")
    async with wire(close_at_once) as base:
        answer = await send(base, file)
    assert isinstance(answer, Failure)
    assert answer.may_have_arrived is False


@pytest.mark.parametrize("script", [hang, close_after_body])
async def test_lost_answer_after_the_whole_body_is_ambiguous(script: Script) -> None:
    failure = await broken(script)
    assert failure.may_have_arrived is True
    assert judge(failure).cls is ErrorClass.AMBIGUOUS


async def test_answer_cut_in_the_middle_may_have_arrived() -> None:
    failure = await broken(answering(200, json.dumps({"ok": True, "result": {"message_id": 1}}), cut=9))
    assert (failure.http_status, failure.may_have_arrived) == (200, True)
    assert judge(failure).label is Label.AMBIGUOUS


@pytest.mark.parametrize("body", ["", json.dumps({"ok": True, "result": {"message_id": 1}})])
async def test_undecodable_success_may_have_arrived(body: str) -> None:
    failure = await broken(answering(200, body))
    assert failure.may_have_arrived is True
    assert judge(failure).label is Label.AMBIGUOUS


async def test_gateway_page_is_not_sure() -> None:
    failure = await broken(answering(502, "<html>502 Bad Gateway</html>", "text/html"))
    assert (failure.http_status, failure.may_have_arrived) == (502, None)
    assert judge(failure).cls in (ErrorClass.AMBIGUOUS, ErrorClass.TRANSIENT)


async def test_server_error_without_description_is_a_value_too() -> None:
    failure = await broken(answering(504, said(504, None)))
    assert failure.exception.startswith("TypeError")
    assert failure.http_status == 504


@pytest.mark.parametrize(
    ("body", "kind", "extra"),
    [
        (said(429, "Too Many Requests: retry after 34", retry_after=34), "application/json", ""),
        (said(429, "Too Many Requests: retry after 34"), "application/json", ""),
        ("<html>429</html>", "text/html", "Retry-After: 34\r\n"),
    ],
)
async def test_every_shape_of_429_tells_how_long(body: str, kind: str, extra: str) -> None:
    failure = await broken(answering(429, body, kind, extra))
    verdict = judge(failure)
    assert (failure.retry_after_s, failure.may_have_arrived) == (34.0, False)
    assert (verdict.cls, verdict.retry_after_s) == (ErrorClass.TRANSIENT, 34.0)


@pytest.mark.parametrize("body", [said(413, "Request Entity Too Large"), "<html>413</html>"])
async def test_too_heavy_is_a_refusal_of_the_video_not_a_network_error(body: str) -> None:
    failure = await broken(answering(413, body))
    assert failure.may_have_arrived is False
    assert judge(failure).label is Label.VIDEO_REJECTED


@pytest.mark.parametrize(("code", "words"), [(400, "Bad Request: the stars are wrong"), (418, "a teapot")])
async def test_a_refusal_nobody_knows_is_unknown_and_no_broken_line(code: int, words: str) -> None:
    failure = await broken(answering(code, said(code, words)))
    verdict = judge(failure)
    assert failure.may_have_arrived is False
    assert (verdict.cls, verdict.reason) == (ErrorClass.SYSTEM, Reason.UNKNOWN)


async def test_moved_chat_tells_the_new_id() -> None:
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    failure = await broken(answering(400, said(400, text, migrate_to_chat_id=-1001557912345)))
    assert failure.migrate_to_chat_id == -1001557912345
    assert judge(failure).label is Label.CHAT_MOVED


async def test_missing_file_is_a_value() -> None:
    async with wire(hang) as base:
        answer = await send(base, Upload(Path("gone.mp4"), "v.mp4"))
    assert isinstance(answer, Failure)
    assert answer.may_have_arrived is False


async def test_message_text_never_gets_into_a_failure() -> None:
    async with wire(answering(200, json.dumps({"ok": True, "result": {"text": "private words"}}))) as base:
        bot = make_bot(TOKEN, base, BRISK)
        answer = await call(bot, SendMessage(chat_id=1, text="private words"), timeout=BRISK.small())
        await bot.session.close()
    assert isinstance(answer, Failure)
    assert "private words" not in repr(answer)


def test_token_is_scrubbed_in_all_its_spellings() -> None:
    spellings = (TOKEN, TOKEN.replace(":", "%3A"), TOKEN.partition(":")[2])
    for text in spellings:
        assert scrub(f"http://host/bot{text}/sendVideo", TOKEN) == scrub(
            scrub(f"http://host/bot{text}/sendVideo", TOKEN)
        )
        assert TOKEN.partition(":")[2] not in scrub(f"x {text} y", TOKEN)
    stranger = "99:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert stranger not in scrub(f"/bot{stranger}/getMe")


def test_chain_names_causes() -> None:
    error = ValueError("broken")
    error.__cause__ = FileNotFoundError("gone")
    assert spell_chain(error) == "ValueError: broken <- FileNotFoundError: gone"
