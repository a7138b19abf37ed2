"""A Telegram Bot API server on loopback that the real aiogram client uses unmodified, with faults on demand.

`SandboxTelegram` is the demo's and the tests' Telegram: `person()` is somebody with the app in their hand,
`world` everything that was said. HTTP status equals `error_code`, as in tdlib/telegram-bot-api. The token is
checked and never logged.
"""

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from adapters.sandbox.faults import ANY, Cut, Fault, FaultPlan, Server
from adapters.sandbox.telegram_methods import Method
from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_request import UPLOAD_LIMIT, Call, read_call
from adapters.sandbox.telegram_state import CallRecord, Refused, World
from adapters.sandbox.telegram_table import METHODS
from adapters.sandbox.telegram_webhook import deliver_webhooks
from engine.ports import Clock

TOKEN_SHAPE = re.compile(r"\d+:[\w-]+")
STOP_TIMEOUT_S = 1.0


class CutOff(Exception):  # noqa: N818 - a wanted ending
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What will be answered."""

    status: int
    body: bytes
    headers: dict[str, str]
    error: str = ""


def ok(result: Any) -> Reply:
    """A method's success."""
    return _json(200, {"ok": True, "result": result})


def refusal(refused: Refused) -> Reply:
    """A method's refusal: HTTP status == error_code, retry_after in body and header."""
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    headers = {}
    if refused.parameters:
        body["parameters"] = refused.parameters
        if "retry_after" in refused.parameters:
            headers["Retry-After"] = str(refused.parameters["retry_after"])
    return _json(refused.code, body, headers, refused.description)


def _json(status: int, body: Any, headers: dict[str, str] | None = None, error: str = "") -> Reply:
    typed = {"Content-Type": "application/json", **(headers or {})}
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), typed, error)


class SandboxTelegram:
    """One bot's Telegram. Not started by itself: `await start()`, or `async with`.

    `port` 0 takes a free one; `min_gap_s` above zero makes each chat refuse a second message within it (429).
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        *,
        faults: FaultPlan | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        min_gap_s: float = 0.0,
        bot_name: str = "Reelstate",
        username: str = "reelstate_sandbox_bot",
    ) -> None:
        if not TOKEN_SHAPE.fullmatch(token):
            raise ValueError("a bot token looks like 123456:letters")
        self._token = token
        self.faults = faults if faults is not None else FaultPlan()
        bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": bot_name,
            "username": username,
        }
        self.world = World(clock, bot, round(min_gap_s * 1000))
        self.app = web.Application(client_max_size=UPLOAD_LIMIT)
        self.app.router.add_route("*", "/bot{token}/{method}", self._method)
        self.app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._webhooks: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._webhooks = asyncio.create_task(deliver_webhooks(self.world))

    async def stop(self) -> None:
        """End every long poll, hang and page, then close the port."""
        self._stopping.set()
        self.world.feed.close()
        await self.world.updates.close()
        if self._webhooks is not None:
            self._webhooks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._webhooks
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Base address: for `TelegramAPIServer.from_base`, and the chat page."""
        return f"http://{self._host}:{self._port}"

    def person(self, user_id: int = 1001) -> Person:
        """Somebody with Telegram in their hand."""
        return Person(self.world, user_id)

    # --- the wire -------------------------------------------------------------------------------

    async def _method(self, request: web.Request) -> web.StreamResponse:
        token, name = request.match_info["token"], request.match_info["method"]
        if not TOKEN_SHAPE.fullmatch(token):
            return _response(refusal(Refused(404, "Not Found")))
        if token != self._token:
            return _response(refusal(Refused(401, "Unauthorized")))
        found = METHODS.get(name.lower())
        if found is None:
            return _response(refusal(Refused(404, "Not Found: method not found")))
        return await self._called(request, *found)

    async def _called(self, request: web.Request, name: str, method: Method) -> web.StreamResponse:
        fault = self._early(name)
        call = Call(name)
        try:
            call = await _read(request, name, fault)
            fault = fault or self.faults.take(Server.TELEGRAM, name, call.context())
            reply = await self._perform(fault, method, call)
            return await self._answer(request, fault, reply, call)
        except Refused as refused:
            return await self._answer(request, fault, refusal(refused), call)
        except CutOff:
            self._record(call, "cut")
            return _cut(request)

    def _early(self, name: str) -> Fault | None:
        """A fault that cuts before the body is read must be taken before anything is known of the call."""
        cuts = (
            fault.server is Server.TELEGRAM and fault.method in {ANY, name} and fault.close is Cut.BEFORE
            for fault in self.faults.listing()
            if not fault.match
        )
        return self.faults.take(Server.TELEGRAM, name, {}) if any(cuts) else None

    async def _perform(self, fault: Fault | None, method: Method, call: Call) -> Reply:
        """Wait, act, wait, as the fault says."""
        if fault is None:
            return await self._act(method, call)
        if not fault.late:
            await self._hang(fault.delay_s)
        reply = await self._act(method, call) if fault.acts else ok(None)
        if fault.late:
            await self._hang(fault.delay_s)
        if fault.close in {Cut.BEFORE, Cut.AFTER}:
            raise CutOff
        return reply

    async def _act(self, method: Method, call: Call) -> Reply:
        try:
            return ok(await method(self.world, call))
        except Refused as refused:
            return refusal(refused)

    async def _hang(self, seconds: float) -> None:
        """Real seconds, cut short when the server stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _answer(
        self, request: web.Request, fault: Fault | None, reply: Reply, call: Call
    ) -> web.StreamResponse:
        if fault is not None:
            reply = _said(fault, reply)
            if fault.close is Cut.MID:
                self._record(call, "cut")
                return await _half(request, reply)
        self._record(call, str(reply.status), reply.error)
        return _response(reply)

    def _record(self, call: Call, outcome: str, error: str = "") -> None:
        chat = call.text("chat_id")
        chat_id = int(chat) if chat.lstrip("-").isdigit() else None
        self.world.calls.append(CallRecord(self.world.clock.now_ms(), call.method, chat_id, outcome, error))
        self.world.feed.publish({"type": "call", "method": call.method, "outcome": outcome})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        stored = self.world.files.at(request.match_info["path"])
        if request.match_info["token"] != self._token or stored is None:
            return _response(refusal(Refused(404, "Not Found")))
        headers = {"Content-Type": "application/octet-stream"}
        fault = self.faults.take(Server.TELEGRAM, "file", {"path": stored.path})
        call = Call("file")
        if fault is None:
            return await self._answer(request, None, Reply(200, stored.data, headers), call)
        await self._hang(fault.delay_s)
        if fault.close in {Cut.BEFORE, Cut.AFTER}:
            return _cut(request)
        return await self._answer(request, fault, Reply(200, stored.data, headers), call)


async def _read(request: web.Request, name: str, fault: Fault | None) -> Call:
    if fault is not None and fault.close is Cut.BEFORE:
        raise CutOff
    return await read_call(request, name)


def _said(fault: Fault, reply: Reply) -> Reply:
    """What the fault says instead of the true answer."""
    if fault.answer is not None:
        if isinstance(fault.answer.body, str):
            page = {"Content-Type": "text/html", **fault.answer.headers}
            return Reply(fault.answer.status, fault.answer.body.encode(), page, "fault")
        return _json(fault.answer.status, dict(fault.answer.body), dict(fault.answer.headers), "fault")
    if fault.corrupt is not None:
        return Reply(reply.status, fault.corrupt, reply.headers, "corrupt")
    return reply


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


def _cut(request: web.Request) -> web.Response:
    """Close the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Answer with half a body, then close."""
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
