"""The addresses of the live page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from diagrams.live import page
from diagrams.live.door import COOKIE, HEADERS, Access, Door, Rights, same_origin
from diagrams.live.due import DueList, Search
from diagrams.live.hub import Hub, event
from diagrams.live.source import JobView, LiveSource, NotReadyError
from states.graph import GRAPH, Graph

KEEP_ALIVE_S: Final = 15.0
CLIENTS_MOST: Final = 200
_ID_MOST: Final = 80

RIGHTS: Final = web.RequestKey("rights", Rights)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def live_app(
    source: LiveSource,
    *,
    access: Access | None = None,
    new_id: Callable[[], str],
    graph: Graph = GRAPH,
    home: str = "",
) -> web.Application:
    """The page as a sub-application, for `site.add_subapp("/live", ...)`. Shut unless `access` opens it.

    `new_id`: unguessable words for sessions. `home`: a page to link back to.
    """
    app = web.Application(client_max_size=16_384)
    LivePage(source, access or Access(), new_id, graph, home).routes(app)
    return app


class LivePage:
    """Everything behind the addresses."""

    def __init__(
        self, source: LiveSource, access: Access, new_id: Callable[[], str], graph: Graph, home: str
    ) -> None:
        self._source = source
        self._door = Door(access, new_id, lambda: asyncio.get_running_loop().time())
        self._hub = Hub(source)
        self._due = DueList(source)
        self._graph, self._home = graph, home
        self._page = ""

    def routes(self, app: web.Application) -> None:
        """Add the addresses, the guard in front of them and the end of the streams."""
        app.middlewares.append(self._guard)
        app.on_shutdown.append(self._shut)
        app.router.add_get("", self._slash)
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_post("/login", self._login)
        app.router.add_post("/logout", self._logout)
        app.router.add_get("/events", self._events)
        app.router.add_get("/jobs", self._jobs)
        app.router.add_get("/jobs/{job}", self._job)
        app.router.add_post("/jobs/{job}/cancel", self._cancel)

    # --- the guard ------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer carries the policy; nothing but the form is had without the right to look."""
        try:
            response = await self._allowed(request, handler)
        except web.HTTPException as refused:
            refused.headers.update(HEADERS)
            raise
        except NotReadyError:
            response = web.json_response({"error": "not ready"}, status=503)
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    async def _allowed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._door.knows_host(request):
            raise web.HTTPForbidden(text="ask for this page by its own name, such as localhost")
        if request.method != "GET" and not same_origin(request):
            raise web.HTTPForbidden(text="another site may not act here")
        rights = self._door.rights(request)
        request[RIGHTS] = rights
        if rights.read or self._is_open(request):
            return await handler(request)
        if not self._door.has_token:
            raise web.HTTPForbidden(text="the live page is closed: set REELSTATE_LIVE_TOKEN")
        if request.match_info.handler == self._index:
            return _html(page.login_page(wrong=False), 401)
        raise web.HTTPUnauthorized(text="sign in first")

    def _is_open(self, request: web.Request) -> bool:
        return request.match_info.handler in (self._login, self._static, self._slash)

    async def _shut(self, _app: web.Application) -> None:
        await self._hub.close()

    # --- the page -------------------------------------------------------------------------------

    async def _slash(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.path + "/")

    async def _index(self, _request: web.Request) -> web.Response:
        if not self._page:
            self._page = await asyncio.to_thread(page.page, self._graph, home=self._home)
        return _html(self._page)

    async def _static(self, request: web.Request) -> web.Response:
        found = page.files().get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="no such file")
        kind, text = found
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        session = self._door.sign_in(str(form.get("token", "")))
        if session is None:
            return _html(page.login_page(wrong=True), 401)
        root = request.path.removesuffix("login")
        response = web.Response(status=303, headers={"Location": root})
        self._door.give(response, session, root)
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        self._door.sign_out(request)
        root = request.path.removesuffix("logout")
        response = web.Response(status=303, headers={"Location": root})
        response.del_cookie(COOKIE, path=root)
        return response

    # --- what it shows --------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._hub.clients >= CLIENTS_MOST:
            raise web.HTTPServiceUnavailable(text="too many open pages")
        await self._hub.ready()
        headers = {**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        rights = request[RIGHTS]
        hello = {"act": rights.act, "private": rights.private, "token": self._door.has_token}
        with suppress(ConnectionResetError):  # the tab was closed
            await response.write(b"retry: 1000\n" + event("rights", hello))
            async for piece in self._hub.stream(request.headers.get("Last-Event-ID", ""), KEEP_ALIVE_S):
                await response.write(piece)
                if not self._door.rights(request).read:
                    break  # the session ended meanwhile
        return response

    async def _jobs(self, request: web.Request) -> web.Response:
        asked = request.query
        search = Search(*(asked.get(name, "")[:_ID_MOST].strip() for name in ("state", "reason", "q")))
        offset, limit = _number(asked.get("offset", "0")), _number(asked.get("limit", "100"))
        rights = request[RIGHTS]
        return web.json_response(await self._due.page(search, offset, limit, private=rights.private))

    async def _job(self, request: web.Request) -> web.Response:
        found = await self._source.job(request.match_info["job"][:_ID_MOST])
        if found is None:
            raise web.HTTPNotFound(text="no such job")
        rights = request[RIGHTS]
        return web.json_response(_shown(found, rights, self._source.now_ms()))

    async def _cancel(self, request: web.Request) -> web.Response:
        rights = request[RIGHTS]
        if not rights.act:
            raise web.HTTPUnauthorized(text="sign in to act")
        return web.json_response({"result": await self._source.cancel(request.match_info["job"][:_ID_MOST])})


def _shown(found: JobView, rights: Rights, now_ms: int) -> dict[str, Any]:
    return {
        "now": now_ms,
        "job": dict(found.facts),
        "private": dict(found.private) if rights.private else None,
        "history": [dict(record) for record in found.history],
        "act": rights.act,
    }


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 8):
        raise web.HTTPBadRequest(text="offset and limit are whole numbers")
    return int(word)
