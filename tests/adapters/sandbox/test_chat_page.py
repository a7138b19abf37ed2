import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.sandbox.chat_page import PageOptions
from tests.adapters.sandbox.chat_tab import form, opened
from tests.adapters.sandbox.telegram_world import film, keys, picture

Json = dict[str, Any]


async def test_the_page_and_its_files_are_served_and_nothing_else() -> None:
    async with opened() as (_, _, tab, _):
        status, body, headers = await tab.get("/")
        assert status == 200
        assert b"<main" in body
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        names = [line.partition(b'"')[0].decode() for line in body.split(b'"/static/')[1:]]
        assert {"chat.js", "chat.css"} <= set(names)
        for name in [*names, "message.js", "panel.js", "upload.js", "words.js", "dom.js", "diagram.js"]:
            status, asset, _ = await tab.get(f"/static/{name}")
            assert status == 200, name
            assert b"https://" not in asset, name
        for wrong in ("/static/none.js", "/static/..%2Fchat_page.py", "/static/chat.py"):
            assert (await tab.get(wrong))[0] == 404


async def test_a_snapshot_shows_the_chat() -> None:
    async with opened() as (telegram, bot, tab, _):
        await telegram.person().start()
        await bot.send_message(1001, "<b>Hi</b>", parse_mode="HTML", reply_markup=keys("go"))
        state = await tab.state()
        assert [message["by_bot"] for message in state["messages"]] == [False, True]
        assert state["messages"][1]["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
        assert state["person"]["language_code"] == "ru"
        assert state["counters"] == {"messages": 1, "edits": 0, "pushes": 1}
        assert (await tab.state("?user_id=7"))["messages"] == []


async def test_the_person_acts_over_http() -> None:
    async with opened() as (telegram, bot, tab, _):
        said = await tab.act("text", {"text": "/start"})
        await tab.act("edit", {"message_id": said["message"]["message_id"], "text": "/help"})
        await tab.act("photo", form(file=picture()))
        await tab.act("document", form(file=b"raw"))
        album = await tab.act("album", form(file0=picture(), file1=picture(90, 90)))
        await tab.act("kind", {"kind": "sticker"})
        await tab.act("delete", {"message_id": said["message"]["message_id"]})
        await tab.act("block")
        await tab.act("unblock")
        await tab.act("language", {"language_code": "en"})
        sent = await bot.send_message(1001, "hi", reply_markup=keys("go"))
        tapped = await tab.act("tap", {"message_id": sent.message_id, "data": "go"})
        updates = await bot.get_updates()
        assert [update.event_type for update in updates] == [
            *(
                "message",
                "edited_message",
                *["message"] * 5,
                "my_chat_member",
                "my_chat_member",
                "callback_query",
            )
        ]
        assert updates[-1].callback_query is not None
        assert updates[-1].callback_query.id == tapped["callback_id"]
        assert updates[-1].callback_query.from_user.language_code == "en"
        assert len(album["messages"]) == 2
        assert album["messages"][0]["caption"] == "my mug"
        assert said["message"]["message_id"] not in [m.message_id for m in telegram.person().chat.shown()]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("text", {"text": " "}),
        ("kind", {"kind": "spell"}),
        ("tap", {"message_id": 9, "data": "x"}),
        ("photo", {}),
    ],
)
async def test_impossible_acts_are_refused(name: str, body: Json) -> None:
    async with (
        opened() as (_, _, tab, _),
        tab.http.post(f"{tab.base}/sandbox/act/{name}", json=body) as answer,
    ):
        assert answer.status == 400


async def test_other_sites_may_not_act() -> None:
    async with opened() as (_, _, tab, _):
        for path in ("/sandbox/act/text", "/sandbox/scenario", "/sandbox/faults"):
            foreign = {"Origin": "http://elsewhere.example"}
            async with tab.http.post(tab.base + path, json={"text": "hi"}, headers=foreign) as answer:
                assert answer.status == 403
        async with tab.http.post(
            f"{tab.base}/sandbox/act/text", json={"text": "hi"}, headers={"Origin": tab.base}
        ) as answer:
            assert answer.status == 200


async def test_events_follow_the_chat() -> None:
    async with opened() as (telegram, bot, tab, _), tab.events() as events:
        anna = telegram.person()
        await telegram.person(7).start()
        await anna.start()
        sent = await bot.send_message(anna.id, "one", reply_markup=keys("go"))
        tap = await anna.tap(sent.message_id, "go")
        await bot.answer_callback_query(tap.id, "yes")
        await bot.edit_message_text("two", chat_id=anna.id, message_id=sent.message_id)
        await bot.delete_message(anna.id, sent.message_id)
        got = []
        async for event in events:
            if event["type"] not in {"counters", "call"}:
                got.append(event)
            if event["type"] == "deleted":
                break
        assert [event["type"] for event in got] == [
            "message",
            "message",
            "push",
            "answer",
            "message",
            "deleted",
        ]
        assert {event["user_id"] for event in got} == {1001}
        assert got[3]["text"] == "yes"
        assert (got[4]["message"]["text"], got[4]["message"]["edits"]) == ("two", 1)


async def test_jobs_scenarios_and_counters_are_shown_live() -> None:
    queue: asyncio.Queue[Json] = asyncio.Queue()
    chosen: list[str] = []

    async def feed() -> AsyncIterator[Json]:
        while True:
            yield await queue.get()

    async def choose(name: str) -> None:
        chosen.append(name)

    card = {"name": "no_product", "title_en": "No product", "title_ru": "Нет товара", "about": ""}
    options = PageOptions(
        job_feed=feed, scenarios=[card], choose_scenario=choose, counters=lambda: {"creates": 3}
    )
    step = {"job": "j1", "user": 1001, "seq": 1, "from": "", "to": "queued", "trigger": "submit", "ms": 1}
    async with opened(options) as (_, _, tab, page), tab.events() as events:
        async with tab.http.post(f"{tab.base}/sandbox/scenario", json={"name": "no_product"}) as answer:
            assert await answer.json() == {"armed": "no_product"}
        async with tab.http.post(f"{tab.base}/sandbox/scenario", json={"name": "spell"}) as answer:
            assert answer.status == 404
        assert chosen == ["no_product"]
        assert page.armed == "no_product"
        queue.put_nowait(step)
        queue.put_nowait({**step, "job": "j2", "user": 7})
        queue.put_nowait({**step, "seq": 2, "from": "queued", "to": "generating"})
        seen = []
        async for event in events:
            seen.append(event)
            if event["type"] == "job" and event["event"]["seq"] == 2:
                break
        assert [event["armed"] for event in seen if event["type"] == "scenario"][:2] == ["no_product", ""]
        assert [event["counters"]["creates"] for event in seen if event["type"] == "counters"] == [3]
        state = await tab.state()
        assert [event["seq"] for event in state["jobs"]] == [1, 2]
        assert state["running"] == ""
        assert state["scenarios"] == [card]


async def test_files_are_served_in_ranges() -> None:
    async with opened() as (telegram, _, tab, _):
        sent = await telegram.person().send_document(film(), "v.mp4", "video/mp4")
        path = f"/sandbox/file/{sent.body['document']['file_id']}"
        assert (await tab.get(path))[1] == film()
        status, body, headers = await tab.get(path, Range="bytes=4-7")
        assert (status, body) == (206, b"ftyp")
        assert headers["Content-Range"] == f"bytes 4-7/{len(film())}"
        assert (await tab.get(path, Range="bytes=99999999-"))[0] == 416
        assert (await tab.get("/sandbox/file/none"))[0] == 404


async def test_the_sample_photo_is_drawn_or_given(tmp_path: Path) -> None:
    async with opened() as (_, _, tab, _):
        body = (await tab.get("/sandbox/sample"))[1]
        assert Image.open(io.BytesIO(body)).size == (1080, 1080)
    given = tmp_path / "mine.jpg"
    given.write_bytes(picture())
    async with opened(PageOptions(photo=given)) as (_, _, tab, _):
        assert (await tab.get("/sandbox/sample"))[1] == picture()


async def test_a_given_diagram_replaces_the_drawn_one() -> None:
    async with opened() as (_, _, tab, _):
        assert (await tab.get("/sandbox/diagram.svg"))[0] == 404
        assert (await tab.state())["diagram"] is False
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><g data-state="queued"/></svg>'
    async with opened(PageOptions(diagram_svg=lambda: svg)) as (_, _, tab, _):
        status, body, headers = await tab.get("/sandbox/diagram.svg")
        assert (status, body.decode()) == (200, svg)
        assert headers["Content-Type"].startswith("image/svg+xml")


async def test_faults_can_be_posted() -> None:
    async with opened() as (telegram, bot, tab, _):
        await telegram.person().start()
        fault = {
            "server": "telegram",
            "method": "sendMessage",
            "answer": {"status": 500, "body": {"ok": False}},
        }
        async with tab.http.post(f"{tab.base}/sandbox/faults", json=fault) as answer:
            assert (await answer.json())[0]["method"] == "sendMessage"
        async with tab.http.post(f"{tab.base}/sandbox/faults", json={"nonsense": 1}) as answer:
            assert answer.status == 400
        async with tab.http.delete(f"{tab.base}/sandbox/faults") as answer:
            assert await answer.json() == []
        await bot.send_message(1001, "hi")


async def test_a_scenario_runs_until_its_job_ends() -> None:
    queue: asyncio.Queue[Json] = asyncio.Queue()

    async def feed() -> AsyncIterator[Json]:
        while True:
            yield await queue.get()

    card = {"name": "no_product", "title_en": "No product", "title_ru": "Нет товара", "about": ""}
    step = {"job": "j1", "user": 1001, "seq": 1, "from": "", "to": "queued", "trigger": "submit", "ms": 1}
    async with opened(PageOptions(job_feed=feed, scenarios=[card])) as (_, _, tab, _), tab.events() as events:
        async with tab.http.post(f"{tab.base}/sandbox/scenario", json={"name": "no_product"}) as answer:
            assert answer.status == 200
        queue.put_nowait(step)
        queue.put_nowait({**step, "seq": 2, "from": "queued", "to": "refunded", "trigger": "cancel"})
        told = []
        async for event in events:
            if event["type"] == "scenario":
                told.append((event["armed"], event["running"]))
            if event["type"] == "job" and event["event"]["seq"] == 2:
                break
        assert told == [("no_product", ""), ("", "no_product"), ("", "")]
