"""Lesson 3. Trouble that passes is nobody's business: the user sees the same messages as in lesson 1."""

from pathlib import Path

from bot.wiring.nursery import Nursery
from tests.tour.play import lesson


async def test_the_provider_is_slow(nursery: Nursery, tmp_path: Path) -> None:
    seen = await lesson("kie_timeout", nursery, tmp_path)

    # Twice nobody answered in time. Each time the job waits, and looks again at the task it has paid for.
    assert seen.why == ["render_timeout", "render_timeout"]
    assert seen.moves.count("generating → retry_wait  error") == 2
    assert seen.moves.count("retry_wait → generating  resume") == 2
    assert seen.moves.count("generating → generating  accepted") == 1

    assert seen.moves[-1] == "sending → done  delivered"
    assert not seen.saw("ошибк")
    assert seen.pushes == 1
    assert (seen.before, seen.after) == (2, 1)
