"""What an odd answer to a new message proves: only a refusal may be followed by a second one."""

import pytest

from adapters.sandbox.faults import Answer, Fault, Server
from engine.ports import Delivered, Failed
from states.vocabulary import Reason
from tests.adapters.telegram.world import Scene


def answer(stage: Scene, status: int, words: str, *, act: bool) -> None:
    """The next sendVideo is answered so; `act`: it was carried out all the same."""
    body = {"ok": False, "error_code": status, "description": words}
    stage.telegram.faults.add(Fault(Server.TELEGRAM, "sendVideo", 1, answer=Answer(status, body), act=act))


@pytest.mark.parametrize("words", ["restart", "request aborted", "Request closed", "closing"])
async def test_a_server_that_goes_down_in_the_middle_knows_nothing(stage: Scene, words: str) -> None:
    answer(stage, 500, f"Internal Server Error: {words}", act=True)
    failed = await stage.deliver(gone=True)
    assert isinstance(failed, Failed)
    assert failed.verdict.reason is Reason.SEND_UNKNOWN
    assert isinstance(await stage.deliver(gone=True, again=True), Failed)
    assert stage.videos == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "Internal Server Error: database is locked"), (503, "Service Unavailable: try again")],
)
async def test_what_the_server_says_it_has_not_done_is_done_again(
    stage: Scene, status: int, words: str
) -> None:
    answer(stage, status, words, act=False)
    failed = await stage.deliver(gone=True)
    assert isinstance(failed, Failed)
    assert failed.verdict.reason is Reason.UNAVAILABLE
    assert isinstance(await stage.deliver(gone=True, again=True), Delivered)
    assert stage.videos == 1
