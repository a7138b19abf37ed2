"""The Telegram of simulated worlds: which messages show a job's video, and how many of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.sandbox.world.telegram import SimTelegram

JOB = "0-jA79"
URL = "https://video.test/task-1.mp4"
CAPTION = {"chat_id": 101, "text": f"video of {JOB}"}
LINK = {"reply_markup": {"inline_keyboard": [[{"text": "MP4", "url": URL}]]}}


def telegram() -> tuple[SimTelegram, list[str]]:
    complaints: list[str] = []
    return SimTelegram(lambda invariant, _: complaints.append(invariant)), complaints


def shown(world: SimTelegram) -> int:
    return len(world.shown.get(JOB, ()))


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("sendVideo", {"chat_id": 101, "video": "F1", "caption": f"video of {JOB}"}),
        ("sendDocument", {"chat_id": 101, "document": "F1", "caption": f"video of {JOB}"}),
        ("sendMessage", CAPTION | LINK),
        ("sendMessage", {"chat_id": 101, "text": f"video of {JOB}\n{URL}"}),
    ],
)
def test_a_new_message_with_the_video_or_its_link_shows_it(method: str, given: Mapping[str, Any]) -> None:
    world, complaints = telegram()
    assert world.call(method, given).status == 200
    assert (shown(world), world.copies(JOB), complaints) == (1, 1, [])
    world.call(method, given)
    assert complaints == ["copies"], "a link sent twice is a second copy too"


def test_a_text_that_leads_nowhere_shows_nothing() -> None:
    world, _ = telegram()
    place = {"message_id": world.post(101, "proposal 1")}
    world.call("sendMessage", CAPTION)
    world.call("editMessageText", CAPTION | place)
    assert shown(world) == 0


def test_a_link_shows_the_video_until_its_button_is_gone() -> None:
    world, _ = telegram()
    place = {"message_id": world.post(101, "proposal 1")}
    world.call("editMessageText", CAPTION | LINK | place)
    assert (shown(world), world.copies(JOB)) == (1, 1)
    world.call("editMessageReplyMarkup", {"chat_id": 101} | place)
    assert world.copies(JOB) == 0
