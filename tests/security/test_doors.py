"""The live page: every address it has, asked by somebody without the token."""

import inspect

import pytest
from aiohttp import ClientSession, web

from diagrams.live import Access, live_app
from diagrams.live.door import Door
from engine.randomness import SystemRandomness
from tests.adapters.kie.world import serving

TOKEN = "open-sesame-open-sesame"  # noqa: S105 - of a test
OPEN = {"/static/{name}", "/login", ""}
"""The form's own files, the form, and the way to it: nothing of any job."""


class _Untouched:
    """A source nobody may ask."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a stranger made the page ask for {name}")


def _site(access: Access) -> tuple[web.Application, list[tuple[str, str]]]:
    page = live_app(_Untouched(), access=access, new_id=SystemRandomness().token)  # type: ignore[arg-type]
    routes = [
        (route.method, route.resource.canonical if route.resource else "") for route in page.router.routes()
    ]
    site = web.Application()
    site.add_subapp("/live", page)
    return site, routes


def _asked(path: str) -> str:
    """An address of that shape."""
    return path.replace("{name}", "live.css").replace("{job}", "0-abcdefghijklmnopqrstuv")


@pytest.mark.parametrize("access", [Access(), Access(token=TOKEN)], ids=["shut", "with a token"])
async def test_no_address_says_anything_to_a_stranger(access: Access) -> None:
    site, routes = _site(access)
    assert len(routes) >= 10
    async with serving(site) as url, ClientSession() as http:
        for method, shown in routes:
            path = shown.removeprefix("/live")
            for headers in (
                {},
                {"Origin": url},
                {"Cookie": "reelstate_live=guess"},
                {"Authorization": TOKEN},
            ):
                asked = f"{url}/live{_asked(path)}?token={TOKEN}"
                async with http.request(method, asked, headers=headers, allow_redirects=False) as answer:
                    body = await answer.text()
                    assert answer.headers["Cache-Control"] in ("no-store", "no-cache")
                    assert "reelstate_live" not in answer.headers.get("Set-Cookie", "") or path == "/logout"
                    if path not in OPEN:
                        assert answer.status in (401, 403), (method, path, body[:80])
                    assert TOKEN not in body


def test_the_token_is_compared_in_constant_time() -> None:
    assert "hmac.compare_digest" in inspect.getsource(Door.sign_in)
    assert "==" not in inspect.getsource(Door.sign_in).replace(">=", "")
