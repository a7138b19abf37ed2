"""The page: its policy, its own files, and texts that want to be more than texts."""

import re

import pytest

from diagrams.live import page
from diagrams.live.door import HEADERS
from states.graph import GRAPH
from states.vocabulary import State
from tests.diagrams.live.site import Live

_MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`${7*7}"


async def test_every_answer_carries_the_policy(live: Live) -> None:
    paths = ("", "events", "jobs", "jobs/0-nobody", "static/live.js", "static/none.js", "nothing-here")
    for path in paths:
        answer = await live.site.get(path)
        for name, value in HEADERS.items():
            if name != "Cache-Control":
                assert answer.headers[name] == value, (path, name)
        answer.close()
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_the_page_has_the_graph_and_nothing_inline(live: Live) -> None:
    text = await (await live.site.get("")).text()
    for state in State:
        assert f'data-state="{state}"' in text
    assert GRAPH.digest in text
    assert "<style" not in text
    assert " style=" not in text
    assert not re.search(r"\son\w+=", text)
    assert re.findall(r"<script[^>]*>", text) == ['<script type="module" src="static/live.js">']
    assert "<!--" not in text


async def test_what_the_page_asks_for_is_there(live: Live) -> None:
    asked = {"page": page.page(GRAPH), "login": page.login_page(wrong=False)}
    asked |= {name: text for name, (_, text) in page.files().items()}
    names = {name for text in asked.values() for name in re.findall(r'(?:static|from "\.)/([\w.-]+)', text)}
    assert {"live.js", "graph-dark.css", "login.js"} <= names
    for name in names:
        answer = await live.site.get(f"static/{name}")
        assert answer.status == 200, name
        assert answer.content_type in ("text/css", "text/javascript", "image/svg+xml")


@pytest.mark.parametrize(
    "name", ["page.html", "../live/app.py", "..%2f..%2flive%2fapp.py", "%2e%2e/door.py", ""]
)
async def test_nothing_else_is_served(live: Live, name: str) -> None:
    assert (await live.site.get(f"static/{name}")).status in (403, 404)


def test_no_file_names_another_place() -> None:
    texts = [page.page(GRAPH), page.login_page(wrong=True), *(text for _, text in page.files().values())]
    for text in texts:
        found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text))
        assert found <= {"http://www.w3.org/2000/svg"}, found


def test_scripts_make_texts_not_markup() -> None:
    for name, (kind, text) in page.files().items():
        if kind == "text/javascript":
            assert not re.search(_MARKUP, text), name


async def test_hostile_words_travel_as_json_only(live: Live) -> None:
    job = await live.launched(prompt=HOSTILE)
    answer = await live.site.get(f"jobs/{job.id}")
    assert answer.content_type == "application/json"
    assert HOSTILE not in await (await live.site.get("")).text()
    missing = await live.site.get("jobs/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert missing.status == 404
    assert "<script" not in await missing.text()
    listed = await live.site.get("jobs?q=%3Cscript%3E&state=%22&reason=%27")
    assert (await listed.json())["total"] == 0


async def test_a_page_to_go_back_to_is_escaped() -> None:
    assert '<a class="home" href="/&quot;x" data-word="chat">' in page.page(GRAPH, home='/"x')


async def test_the_address_without_its_slash_leads_to_the_page(live: Live) -> None:
    answer = await live.site.http.get(live.site.url.removesuffix("/"), allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/live/")
