"""The sandbox's own sending stories, through the real courier: as many attempts as the table allows."""

import pytest

from adapters.sandbox.scenarios import SCENARIOS
from adapters.sandbox.story_send import SEND_STORIES
from adapters.telegram.ladder import Limits
from engine.ports import Delivered, Failed
from states.strategy import STRATEGY
from states.vocabulary import Stage, State
from tests.adapters.telegram.world import Scene

STORIES = sorted(name for name, story in SEND_STORIES.items() if not story.acts)


async def attempts(stage: Scene) -> list[Delivered | Failed]:
    """Deliver until done or until the row of the last failure gives up."""
    outcomes: list[Delivered | Failed] = []
    while True:
        outcome = await stage.deliver(again=bool(outcomes))
        outcomes.append(outcome)
        if isinstance(outcome, Delivered):
            return outcomes
        retries = STRATEGY.row(Stage.SENDING, outcome.verdict.reason).retries
        if retries is not None and len(outcomes) > retries:
            return outcomes


@pytest.mark.parametrize("name", STORIES)
async def test_story_ends_as_told_and_with_one_copy_at_most(stage: Scene, name: str) -> None:
    stage.url = "https://videos.example/v.mp4" if name == "video_rejected" else ""
    stage.limits = Limits(url_bytes=0)
    stage.telegram.faults.extend(SCENARIOS[name].faults)
    outcomes = await attempts(stage)
    assert isinstance(outcomes[-1], Delivered) == (SCENARIOS[name].expected.end is State.DONE)
    assert stage.videos <= 1
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            assert (Stage.SENDING, outcome.verdict.reason) in STRATEGY.by_key


async def test_time_out_that_was_delivered_needs_no_second_attempt(stage: Scene) -> None:
    stage.telegram.faults.extend(SCENARIOS["send_timeout_delivered"].faults)
    (outcome,) = await attempts(stage)
    assert isinstance(outcome, Delivered)
    assert outcome.verified
