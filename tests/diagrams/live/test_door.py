"""Closed by default; a token opens; other sites get nothing done."""

import pytest

from bot.settings import SettingsError, load_settings
from bot.wiring.live import access_of, serve_live, wants_live
from diagrams.live import Access
from diagrams.live.door import LOOPBACK
from engine.clock import ManualClock
from tests.diagrams.live.site import TOKEN, Live, open_bench

PATHS = ("", "events", "jobs", "jobs/0-nobody")


async def _signed(live: Live) -> str:
    answer = await live.site.post("login", token=TOKEN)
    assert answer.status == 303
    return answer.headers["Set-Cookie"]


async def test_without_a_word_the_page_is_shut(redis_url: str, clock: ManualClock) -> None:
    async with open_bench(redis_url, clock, None) as live:
        for path in PATHS:
            assert (await live.site.get(path)).status == 403
        assert (await live.site.post("login", token="")).status == 401
        assert (await live.site.post("jobs/0-nobody/cancel")).status == 403


async def test_with_a_token_everything_waits_for_it(shut: Live) -> None:
    job = await shut.launched(prompt="a secret wish")
    page = await shut.site.get("")
    assert page.status == 401
    assert "password" in await page.text()
    for path in PATHS[1:]:
        answer = await shut.site.get(path)
        assert answer.status == 401
        assert job.id not in await answer.text()
    assert (await shut.site.post(f"jobs/{job.id}/cancel")).status == 401


async def test_the_right_token_is_a_cookie_no_script_reads_and_no_site_sends(shut: Live) -> None:
    job = await shut.launched(prompt="a secret wish")
    cookie = await _signed(shut)
    assert {"HttpOnly", "SameSite=Strict", "Path=/live/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert (await shut.site.get("")).status == 200
    shown = await shut.site.json(f"jobs/{job.id}")
    assert shown["private"] == {"user": 7, "wishes": "a secret wish"}
    assert shown["act"] is True
    assert (await shut.site.post("logout")).status == 303
    assert (await shut.site.get("jobs")).status == 401


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", "пароль"])
async def test_a_wrong_token_opens_nothing(shut: Live, given: str) -> None:
    answer = await shut.site.post("login", token=given)
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    assert (await shut.site.get("jobs")).status == 401


async def test_guessing_is_slowed_down(shut: Live) -> None:
    statuses = [(await shut.site.post("login", token=f"guess-{n}")).status for n in range(9)]
    assert statuses == [401] * 8 + [429]
    assert (await shut.site.post("login", token=TOKEN)).status == 429


async def test_a_made_up_cookie_opens_nothing(shut: Live) -> None:
    for cookie in ("reelstate_live=session-1", "reelstate_live=", f"reelstate_live={TOKEN}"):
        assert (await shut.site.get("jobs", Cookie=cookie)).status == 401


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:1", None])
async def test_another_site_gets_nothing_done(shut: Live, origin: str | None) -> None:
    await _signed(shut)
    job = await shut.launched()
    assert (await shut.site.post(f"jobs/{job.id}/cancel", origin)).status == 403
    assert (await shut.site.post("login", origin, token=TOKEN)).status == 403
    assert (await shut.engine.job(job.id)) == job


async def test_who_is_signed_in_may_cancel_and_the_operator_hears_of_it(shut: Live) -> None:
    await _signed(shut)
    job = await shut.launched()
    answer = await shut.site.post(f"jobs/{job.id}/cancel")
    assert await answer.json() == {"result": "cancelled"}
    assert (await shut.engine.account(7)).balance == 10
    assert await (await shut.site.post("jobs/0-nobody/cancel")).json() == {"result": "unknown_job"}


async def test_looking_is_not_acting_and_shows_nothing_personal(live: Live) -> None:
    job = await live.launched(user=424_242, prompt="a secret wish")
    assert (await live.site.post(f"jobs/{job.id}/cancel")).status == 401
    shown = await (await live.site.get(f"jobs/{job.id}")).text()
    listed = await (await live.site.get("jobs")).text()
    found = await live.site.json("jobs?q=424242")
    assert job.id in shown
    assert found["total"] == 0
    for secret in ("a secret wish", "424242", "secret-file-id"):
        assert secret not in shown + listed


async def test_files_ids_and_addresses_are_never_shown(shut: Live) -> None:
    await _signed(shut)
    job = await shut.launched()
    assert "secret-file-id" not in await (await shut.site.get(f"jobs/{job.id}")).text()


async def test_a_page_for_this_machine_answers_to_its_own_name_only(
    redis_url: str, clock: ManualClock
) -> None:
    async with open_bench(redis_url, clock, Access(open_reading=True, hosts=LOOPBACK)) as live:
        assert (await live.site.get("jobs")).status == 200
        assert (await live.site.get("jobs", Host="localhost:8080")).status == 200
        assert (await live.site.get("jobs", Host="rebound.evil.test")).status == 403


# --- settings --------------------------------------------------------------------------------------


def test_an_installation_shows_no_page_unless_asked() -> None:
    assert not wants_live(load_settings(None))
    assert wants_live(load_settings(None, live_token=TOKEN))
    assert wants_live(load_settings(None, live_open=True))


def test_the_cookie_of_an_https_installation_stays_on_https() -> None:
    settings = load_settings(None, live_token=TOKEN, public_url="https://reel.test", callback_secret="c" * 16)
    assert access_of(settings) == Access(token=TOKEN, secure=True)
    assert TOKEN not in repr(access_of(settings))
    assert TOKEN not in repr(settings)


def test_a_short_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="REELSTATE_LIVE_TOKEN must be 16 to 256"):
        load_settings(None, live_token="short")  # noqa: S106 - of a test


async def test_the_page_alone_is_for_this_machine_unless_it_has_a_token(live: Live) -> None:
    settings = load_settings(None)
    async with serve_live(live.engine, settings, "127.0.0.1", 0) as url, live.site.http.get(url) as page:
        assert page.status == 200
        async with live.site.http.get(url.removesuffix("live/")) as led:
            assert str(led.url) == url
    with pytest.raises(SettingsError, match="REELSTATE_LIVE_TOKEN is not set"):
        async with serve_live(live.engine, settings, "0.0.0.0", 0):  # noqa: S104 - refused
            pass
    async with serve_live(live.engine, load_settings(None, live_token=TOKEN), "127.0.0.1", 0) as url:
        port = int(url.split(":")[2].split("/")[0])
        with pytest.raises(SettingsError, match="is taken"):
            async with serve_live(live.engine, settings, "127.0.0.1", port):
                pass
