"""Every row of the table as a play: photo in, end state, attempts, messages, credits out."""

from pathlib import Path

import av
import numpy as np
import pytest

from bot.wiring.nursery import Nursery
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, NoticeKind, Stage, State
from tests.audit import books_close, money_of
from tests.scenarios.source import SOURCE
from tests.scenarios.stage import CHOSEN, Scene, staged

NEVER_TOLD = (ErrorClass.TRANSIENT, ErrorClass.SYSTEM, ErrorClass.AMBIGUOUS)
TROUBLE = ("ошибк", "не получил", "не удал", "перегруж", "возвращ")


@pytest.mark.parametrize("name", CHOSEN)
async def test_a_story_ends_as_it_says(name: str, nursery: Nursery, tmp_path: Path) -> None:
    scene = await staged(name, nursery, tmp_path / "film.mp4")
    timeline = "\n".join(f"{line.at_s:8.1f} {line.what:5} {line.text}" for line in scene.lines)
    assert scene.played.differences == [], timeline
    assert scene.broken == (), timeline
    _money(scene)
    _silence(scene)
    _operator(scene)
    _film(scene)
    _words(scene)
    assert [secret for secret in scene.secrets if secret in scene.said] == []
    assert scene.secrets
    assert "Traceback" not in scene.log


def _money(scene: Scene) -> None:
    played, job = scene.played, scene.played.job
    assert books_close(played.statement, played.after.balance)
    if job is None:
        assert played.before == played.after
        return
    moved = money_of(played.statement, job.id)
    assert moved == ["hold", "capture" if job.state is State.DONE else "release"]
    assert [line.text.split()[0] for line in scene.lines if line.what == "money"] == moved


def _silence(scene: Scene) -> None:
    """Trouble that passes is nobody's business but ours."""
    played, reason = scene.played, scene.played.scenario.reason
    row = None if reason is None else next(row for row in STRATEGY.rows if row.reason is reason)
    if played.scenario.expected.silent:
        assert played.told == (NoticeKind.BELL,)
        assert [word for word in TROUBLE if word in "\n".join(played.messages[2:]).lower()] == []
    elif row is not None and row.cls in NEVER_TOLD and played.job is not None:
        # what is told comes after the last retry, but for the one `patience` of a long wait
        assert played.job.state is State.REFUNDED or played.told[0] is NoticeKind.PATIENCE
    assert len(set(played.told) - {NoticeKind.BELL}) == len(played.told) - played.told.count(NoticeKind.BELL)


def _operator(scene: Scene) -> None:
    """Heard of only when a human is needed, and then once."""
    played, reason = scene.played, scene.played.scenario.reason
    classes = {row.cls for row in STRATEGY.rows if row.reason is reason}
    if ErrorClass.OPERATOR in classes:
        assert len(played.alerts) == 1, "also when another key or model took over"
    elif played.job is None or played.job.state is State.DONE or ErrorClass.USER in classes:
        known = ErrorClass.SYSTEM not in classes or played.name != "unknown"
        assert len(played.alerts) == (0 if known else 1), "a text nobody knows is shown to the operator"


def _film(scene: Scene) -> None:
    played = scene.played
    if played.copies:
        assert played.film is not None
        assert played.film.facts is not None
        assert (played.film.facts.codec, played.film.facts.duration_s > 2) == ("h264", True)


def _words(scene: Scene) -> None:
    """The sentences of the strategy document that this story shows."""
    for block in SOURCE:
        if block.scenario == scene.played.name:
            shown = [text for text in scene.played.messages if all(s in text for s in block.sentences)]
            assert shown, f"{block.where}: no message of {scene.played.name} says all of {block.sentences}"


async def test_the_film_is_the_photo_and_it_moves(nursery: Nursery, tmp_path: Path) -> None:
    scene = await staged("ok", nursery, tmp_path / "ok.mp4")
    with av.open(str(tmp_path / "ok.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    facts = scene.played.film.facts if scene.played.film else None
    assert facts is not None
    assert (facts.codec, facts.frames) == ("h264", len(frames))
    moved = [
        float(np.abs(a.astype(int) - b.astype(int)).mean()) for a, b in zip(frames, frames[24:], strict=False)
    ]
    assert min(moved) > 0.5, "a second later the picture is another one"


def test_both_stages_are_played() -> None:
    assert {row.stage for row in STRATEGY.rows} == set(Stage)
