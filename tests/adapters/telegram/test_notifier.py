import json
from dataclasses import dataclass, replace

import pytest
from aiogram.types import InlineKeyboardMarkup

from adapters.sandbox.faults import Answer, Cut, Fault, Server
from adapters.telegram.notifier import TelegramNotifier
from adapters.telegram.quiet import Quiet
from engine.clock import ManualClock
from engine.ports import Alert, Failed, Notice, Told
from states.vocabulary import ErrorClass, NoticeKind, Reason
from tests.adapters.telegram.world import BRISK, TOKEN, USER, Scene, keys

ADMIN = 2002


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the bot hands in."""

    text_html: str
    keyboard: InlineKeyboardMarkup | None = None
    as_edit: bool = True


def notice(stage: Scene, kind: NoticeKind = NoticeKind.STATUS, *, gone: bool = False) -> Notice:
    message_id = None if gone else stage.message_id
    return Notice("j1:1:1", kind, "j1", USER, USER, "ru", message_id, {})


class Desk:
    """A notifier whose words a test may change."""

    def __init__(self, stage: Scene) -> None:
        self.words = Rendered("<b>Sending</b>", keys("stop"))
        self.clock = ManualClock()
        self.quiet = Quiet(self.clock)
        self.notifier = TelegramNotifier(
            stage.bot,
            lambda _: self.words,
            self.clock,
            admin_chat_id=ADMIN,
            timeouts=BRISK,
            quiet=self.quiet,
        )


@pytest.fixture
async def desk(stage: Scene) -> Desk:
    await stage.telegram.person(ADMIN).start()
    return Desk(stage)


def texts(stage: Scene, user: int = USER) -> list[str]:
    return [message.text for message in stage.telegram.person(user).chat.by_bot()]


def refuse(stage: Scene, method: str, code: int, text: str, retry_after: int = 0) -> None:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": text}
    if retry_after:
        body["parameters"] = {"retry_after": retry_after}
    stage.telegram.faults.add(Fault(Server.TELEGRAM, method, answer=Answer(code, body)))


async def test_status_message_is_edited(stage: Scene, desk: Desk) -> None:
    assert await desk.notifier.tell(notice(stage)) == Told()
    assert (texts(stage), stage.buttons) == (["Sending"], ["stop"])


async def test_telling_twice_is_harmless(stage: Scene, desk: Desk) -> None:
    for _ in range(2):
        assert await desk.notifier.tell(notice(stage)) == Told()
    assert texts(stage) == ["Sending"]


@pytest.mark.parametrize("deleted", [True, False])
async def test_missing_status_message_is_begun_anew(stage: Scene, desk: Desk, *, deleted: bool) -> None:
    if deleted:
        await stage.telegram.person(USER).delete(stage.message_id)
    told = await desk.notifier.tell(notice(stage, gone=not deleted))
    assert isinstance(told, Told)
    assert told.message_id is not None
    assert stage.telegram.person(USER).chat.messages[told.message_id].text == "Sending"


async def test_progress_of_a_delivered_video_is_old_news(stage: Scene, desk: Desk) -> None:
    await stage.deliver()
    assert await desk.notifier.tell(notice(stage)) == Told()
    assert texts(stage) == ["Ready"]


async def test_an_ending_is_never_silent(stage: Scene, desk: Desk) -> None:
    await stage.deliver()
    told = await desk.notifier.tell(notice(stage, NoticeKind.SYSTEM_ERROR))
    assert isinstance(told, Told)
    assert told.message_id is not None


async def test_a_bell_is_a_new_message_but_not_the_status_message(stage: Scene, desk: Desk) -> None:
    desk.words = Rendered("Done!", as_edit=False)
    assert await desk.notifier.tell(notice(stage, NoticeKind.BELL)) == Told()
    assert texts(stage) == ["making it", "Done!"]


async def test_a_lost_bell_is_not_rung_again(stage: Scene, desk: Desk) -> None:
    desk.words = Rendered("Done!", as_edit=False)
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "sendMessage", act=True, close=Cut.AFTER))
    assert await desk.notifier.tell(notice(stage, NoticeKind.BELL)) == Told()
    assert texts(stage).count("Done!") == 1


async def test_a_lost_edit_is_told_again(stage: Scene, desk: Desk) -> None:
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "editMessageText", act=True, close=Cut.AFTER))
    assert isinstance(await desk.notifier.tell(notice(stage)), Failed)
    assert await desk.notifier.tell(notice(stage)) == Told()
    assert texts(stage) == ["Sending"]


async def test_flood_wait_holds_the_chat_back(stage: Scene, desk: Desk) -> None:
    refuse(stage, "editMessageText", 429, "Too Many Requests: retry after 34", 34)
    for _ in range(2):
        told = await desk.notifier.tell(notice(stage))
        assert isinstance(told, Failed)
        assert (told.verdict.reason, told.verdict.retry_after_s) == (Reason.RATE_LIMITED, 34)
    assert stage.calls == ["editMessageText"]
    assert desk.quiet.hush(ADMIN) is None
    desk.clock.advance(34)
    assert await desk.notifier.tell(notice(stage)) == Told()


async def test_blocked_user_is_parked(stage: Scene, desk: Desk) -> None:
    await stage.telegram.person(USER).block()
    told = await desk.notifier.tell(notice(stage))
    assert isinstance(told, Failed)
    assert told.verdict.cls is ErrorClass.PARKED


async def test_fault_of_our_markup_is_told_plainly(stage: Scene, desk: Desk) -> None:
    desk.words = Rendered("<b>Sorry &amp; thanks", keys("x" * 100))
    assert await desk.notifier.tell(notice(stage)) == Told()
    desk.words = replace(desk.words, as_edit=False)
    assert await desk.notifier.tell(notice(stage, NoticeKind.BELL)) == Told()
    assert texts(stage) == ["Sorry & thanks", "Sorry & thanks"]


async def test_moved_chat_is_followed(stage: Scene, desk: Desk) -> None:
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    body = {"ok": False, "error_code": 400, "description": text, "parameters": {"migrate_to_chat_id": ADMIN}}
    for method in ("editMessageText", "sendMessage"):
        stage.telegram.faults.add(Fault(Server.TELEGRAM, method, answer=Answer(400, body)))
    assert isinstance(await desk.notifier.tell(notice(stage)), Told)
    assert texts(stage, ADMIN) == ["Sending"]


async def test_alert_reaches_the_admin_as_plain_text(stage: Scene, desk: Desk) -> None:
    alert = Alert("f", "incident", "balance <b>0</b> & going", "j1", 3)
    assert isinstance(await desk.notifier.tell_admin(alert), Told)
    assert texts(stage, ADMIN) == ["[incident] ×3 balance <b>0</b> & going\njob j1"]


async def test_no_admin_chat_is_no_failure(stage: Scene) -> None:
    notifier = TelegramNotifier(stage.bot, lambda _: Rendered("x"), ManualClock(), timeouts=BRISK)
    assert await notifier.tell_admin(Alert("f", "log", "text")) == Told()


async def test_refusals_never_show_the_token(stage: Scene, desk: Desk) -> None:
    await stage.telegram.stop()
    told = await desk.notifier.tell(notice(stage))
    assert isinstance(told, Failed)
    assert TOKEN not in json.dumps(repr(told))
