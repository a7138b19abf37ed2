"""Both pages in a real browser: they work, complain of nothing, and ask nobody else."""

from pathlib import Path

import pytest

from bot.commands.replay_page import page_of
from engine.replay.graphs import Shelf
from engine.replay.reading import line_of
from engine.replay.replayer import Replayer
from tests.browser import chromium, tab
from tests.diagrams.live.site import Live
from tests.engine.replay.make_log import make_log

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here (Debian: apt install chromium)")
WHERE = "document.getElementById('where').value"
LIT = "[...document.querySelectorAll('.arrow.on-edge')].map(e => e.dataset.from + ' ' + e.dataset.to)"
BADGES = "[...document.querySelectorAll('.step-badge')].map(e => e.textContent).sort()"

COUNTED = """new Promise(told => {
  const number = document.querySelector('[data-state=queued] .count text');
  const look = () => number.textContent === '1' ? told(true) : setTimeout(look, 20);
  look();
})"""


async def test_a_replay_is_stepped_through_forward_and_back(tmp_path: Path) -> None:
    rows = list(make_log(3, seed=5))
    job = rows[0]["job"]
    own = [row for row in rows if row["job"] == job and row["disp"] == "transition"]
    file = tmp_path / "page.html"
    file.write_text(page_of(rows, Shelf(), job, ()), encoding="utf-8")
    async with tab() as browser:
        await browser.look(1200, 800)
        await browser.open(file.as_uri())
        assert (await browser.run(WHERE)).startswith("step 0 of")
        for _ in (1, 2):
            await browser.press("ArrowRight")
        assert (await browser.run(WHERE)).startswith("step 2 of")
        assert await browser.run(LIT) == [f"{own[2]['from']} {own[2]['to']}"]
        assert await browser.run(BADGES) == ["1", "2"]
        await browser.press("ArrowLeft")
        assert await browser.run(LIT) == [f"{own[1]['from']} {own[1]['to']}"]
        assert await browser.run(BADGES) == ["1"]
        assert browser.complaints == []
        assert browser.foreign() == []


async def test_a_replay_opens_at_the_first_divergence(tmp_path: Path) -> None:
    rows = list(make_log(3, seed=5))
    broken = next(row for row in rows if row.get("edge") == "generating/accepted")
    broken["ts"] += 1
    replayer = Replayer()
    replayer.feed(map(line_of, rows))
    found = replayer.finish().findings
    file = tmp_path / "page.html"
    file.write_text(page_of(rows, Shelf(), "", found), encoding="utf-8")
    async with tab() as browser:
        await browser.open(file.as_uri())
        assert (await browser.run(WHERE)).startswith(f"step {broken['seq']} of")
        assert "diverged (time)" in await browser.run("document.getElementById('why').textContent")


async def test_the_live_page_shows_a_job_that_comes(live: Live) -> None:
    async with tab() as browser:
        await browser.look(1200, 800)
        await browser.open(live.site.url)
        await live.launched()
        assert await browser.run(COUNTED) is True
        assert browser.complaints == []
        assert browser.foreign() == []
        assert any(url.endswith("/events") for url in browser.asked)
