"""The chat page: a browser tab in which a person is the Telegram user, beside the live state of their job.

Served at `/` of the Telegram sandbox. The page draws texts as text, never as HTML; nothing is loaded from
elsewhere. `mount` is called before the server starts. Whoever opens the page acts for any person: keep it on
loopback.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.sandbox.chat_acts import PersonRoutes, same_origin
from adapters.sandbox.chat_sample import sample_photo
from adapters.sandbox.telegram_methods_bot import commands_for
from adapters.sandbox.telegram_server import SandboxTelegram
from states.vocabulary import TERMINALS

Json = dict[str, Any]

STATIC = Path(__file__).parent / "static"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'"
)
"""Nothing from elsewhere, no script in the page: a text that slips through stays a text."""

JOB_EVENTS_KEPT = 500
KEEP_ALIVE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the page shows beside the chat; everything may be left out.

    `job_feed` yields {job, user, seq, from, to, trigger, edge, reason, ms, balance, held}; `scenarios` are
    {name, title_en, title_ru, about}; `choose_scenario` arms one for the next generation; `counters` are
    numbers by name (`creates` has a caption); `diagram_svg` marks its elements by data-state, or
    data-from and data-to. `user_id`: the person the page opens as.
    """

    job_feed: Callable[[], AsyncIterator[Mapping[str, Any]]] | None = None
    scenarios: Sequence[Mapping[str, str]] = ()
    choose_scenario: Callable[[str], Awaitable[None]] | None = None
    counters: Callable[[], Mapping[str, int]] | None = None
    diagram_svg: Callable[[], str] | None = None
    photo: Path | None = None
    """The sample photo; a drawn one when left out."""
    user_id: int = 1001
    live: str = ""
    """Address of the live page on the same origin; the page links to it."""
    add_pages: Callable[[web.Application], None] | None = None
    """Puts further pages on the server before it starts."""


def mount(telegram: SandboxTelegram, options: PageOptions | None = None) -> "ChatPage":
    """Put the page on a server that has not been started."""
    page = ChatPage(telegram, options or PageOptions())
    page.routes(telegram.app)
    PersonRoutes(telegram, page.user_id).routes(telegram.app)
    if options is not None and options.add_pages is not None:
        options.add_pages(telegram.app)
    return page


class ChatPage:
    """What the page is told: a snapshot first, then events."""

    def __init__(self, telegram: SandboxTelegram, options: PageOptions) -> None:
        self._world = telegram.world
        self._person = telegram.person
        self._options = options
        self._jobs: deque[Json] = deque(maxlen=JOB_EVENTS_KEPT)
        self._known_jobs: set[str] = set()
        self._newest = ""
        self._sample: bytes | None = None
        self.user_id = options.user_id
        self.armed = ""
        """The scenario chosen for the next generation."""
        self.running = ""
        """The scenario of the newest generation."""

    def routes(self, app: web.Application) -> None:
        """Add the page's addresses and its background reader."""
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/sandbox/state", self._state)
        app.router.add_get("/sandbox/events", self._events)
        app.router.add_get("/sandbox/file/{file_id}", self._file)
        app.router.add_get("/sandbox/sample", self._sample_photo)
        app.router.add_get("/sandbox/diagram.svg", self._diagram)
        app.router.add_post("/sandbox/scenario", self._choose)
        app.cleanup_ctx.append(self._reading_jobs)

    # --- jobs and scenarios ---------------------------------------------------------------------

    async def _reading_jobs(self, _app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._read_jobs())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _read_jobs(self) -> None:
        if self._options.job_feed is None:
            return
        async for event in self._options.job_feed():
            self._take(dict(event))

    def _take(self, event: Json) -> None:
        job = str(event.get("job", ""))
        if job not in self._known_jobs:
            self._known_jobs.add(job)
            self.running, self.armed = self.armed, ""
            self._newest = job
            self._world.feed.publish(self._scenario_event())
        elif job == self._newest and self.running and event.get("to") in TERMINALS:
            self.running = ""
            self._world.feed.publish(self._scenario_event())
        self._jobs.append(event)
        self._world.feed.publish({"type": "job", "user_id": event.get("user"), "event": event})

    def _scenario_event(self) -> Json:
        return {"type": "scenario", "armed": self.armed, "running": self.running}

    async def _choose(self, request: web.Request) -> web.Response:
        if not same_origin(request):
            raise web.HTTPForbidden(text="another site may not act here")
        name = str((await request.json()).get("name", ""))
        if name not in {card["name"] for card in self._options.scenarios}:
            raise web.HTTPNotFound(text=f"no scenario named {name}")
        if self._options.choose_scenario is not None:
            await self._options.choose_scenario(name)
        self.armed = name
        self._world.feed.publish(self._scenario_event())
        return web.json_response({"armed": name})

    def counters(self, user_id: int) -> dict[str, int]:
        """Numbers of the counter card."""
        chat = self._world.chat(user_id)
        bots = [message for message in chat.messages.values() if message.by_bot]
        given = dict(self._options.counters()) if self._options.counters is not None else {}
        return {
            **given,
            "messages": len(bots),
            "edits": sum(len(message.versions) - 1 for message in bots),
            "pushes": len(chat.pushes),
        }

    # --- addresses ------------------------------------------------------------------------------

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return _page_file("chat.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return _page_file(request.match_info["name"])

    def _user(self, request: web.Request) -> int:
        given = request.query.get("user_id", "")
        return int(given) if given.isdigit() else self._options.user_id

    async def _state(self, request: web.Request) -> web.Response:
        user_id = self._user(request)
        chat, world = self._person(user_id).chat, self._world
        language = chat.language_code
        texts = {
            noun: world.texts.get((noun, language.partition("-")[0])) or world.texts.get((noun, ""), "")
            for noun in ("Description", "ShortDescription", "Name")
        }
        return web.json_response(
            {
                "bot": {**world.bot, "texts": texts},
                "person": {**chat.person(), "language_code": language, "blocked": chat.blocked},
                "messages": [world.page(message) for message in chat.shown()],
                "people": [chat.person() for chat in world.chats.values() if chat.id != user_id],
                "draft": chat.draft,
                "commands": commands_for(world, language),
                "jobs": [event for event in self._jobs if event.get("user") in {None, user_id}],
                "scenarios": [dict(card) for card in self._options.scenarios],
                "armed": self.armed,
                "running": self.running,
                "counters": self.counters(user_id),
                "diagram": self._options.diagram_svg is not None,
                "live": self._options.live,
            },
            headers=_FRESH,
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user_id = self._user(request)
        headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", **_FRESH}
        response = web.StreamResponse(headers=headers)
        queue = self._world.feed.open()
        await response.prepare(request)
        try:
            await response.write(b": hello\n\n")
            await self._stream(response, queue, user_id)
        except (ConnectionResetError, asyncio.CancelledError):
            return response  # the tab was closed
        finally:
            self._world.feed.shut(queue)
        return response

    async def _stream(
        self, response: web.StreamResponse, queue: asyncio.Queue[Mapping[str, Any] | None], user_id: int
    ) -> None:
        told: dict[str, int] = {}
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if event is None:
                return
            if event.get("user_id") in {None, user_id}:
                await response.write(_sse(event))
            counted = self.counters(user_id)
            if counted != told:
                told = counted
                await response.write(_sse({"type": "counters", "counters": counted}))

    async def _file(self, request: web.Request) -> web.Response:
        stored = self._world.files.get(request.match_info["file_id"])
        if stored is None:
            raise web.HTTPNotFound(text="no such file")
        return ranged(request, stored.data, stored.mime)

    async def _sample_photo(self, _request: web.Request) -> web.Response:
        if self._sample is None:
            path = self._options.photo
            self._sample = await asyncio.to_thread(path.read_bytes if path else sample_photo)
        return web.Response(body=self._sample, content_type="image/jpeg")

    async def _diagram(self, _request: web.Request) -> web.Response:
        if self._options.diagram_svg is None:
            raise web.HTTPNotFound(text="the page draws its own diagram")
        return web.Response(text=self._options.diagram_svg(), content_type="image/svg+xml")


_FRESH = {"Cache-Control": "no-store"}


def _page_file(name: str) -> web.Response:
    kind = TYPES.get(name.rpartition(".")[2])
    path = STATIC / name
    if kind is None or path.parent != STATIC or not path.is_file():
        raise web.HTTPNotFound(text="no such file")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return web.Response(text=path.read_text("utf-8"), content_type=kind, charset="utf-8", headers=headers)


def _sse(event: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def ranged(request: web.Request, data: bytes, mime: str) -> web.Response:
    """A file's bytes, or the asked part of them: players seek by ranges."""
    headers = {"Content-Type": mime, "Accept-Ranges": "bytes", "Content-Disposition": "inline"}
    try:
        asked = request.http_range
    except ValueError:
        raise web.HTTPRequestRangeNotSatisfiable from None
    if asked.start is None:
        return web.Response(body=data, headers=headers)
    begin, end, _ = asked.indices(len(data))
    if begin >= end:
        raise web.HTTPRequestRangeNotSatisfiable
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
    return web.Response(status=206, body=data[begin:end], headers=headers)
