"""One HTTP call of the sandbox's provider, done as its fault (if any) wants it: hang, act, cut, lie."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from adapters.sandbox.faults import Cut, Fault
from adapters.sandbox.kie_tasks import Refused

Act = Callable[[], Awaitable["Reply"]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What will be answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def envelope(data: Any, msg: str = "success", code: int = 200) -> Reply:
    """KIE's wrapping: HTTP 200, the true status in the body."""
    return plain({"code": code, "msg": msg, "data": data})


def plain(body: Any, status: int = 200) -> Reply:
    """Any JSON."""
    return Reply(status, orjson.dumps(body), {"Content-Type": "application/json"})


async def perform(
    request: web.Request, fault: Fault | None, act: Act, stop: asyncio.Event
) -> web.StreamResponse:
    """Carry the call out as the fault says. `stop` ends hanging when the server stops."""
    if fault is None:
        return _response(await _acted(act))
    if fault.close is Cut.BEFORE and not fault.act:
        return _cut(request)
    if not fault.late:
        await _hang(fault.delay_s, stop)
    reply = await _acted(act) if fault.acts else envelope(None)
    if fault.late:
        await _hang(fault.delay_s, stop)
    if fault.close in {Cut.BEFORE, Cut.AFTER}:
        return _cut(request)
    said = _said(fault, reply)
    return await _half(request, said) if fault.close is Cut.MID else _response(said)


async def _acted(act: Act) -> Reply:
    try:
        return await act()
    except Refused as refused:
        return envelope(None, refused.msg, refused.code)


async def _hang(seconds: float, stop: asyncio.Event) -> None:
    """Real seconds: an HTTP client's time-outs are real too."""
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def _said(fault: Fault, reply: Reply) -> Reply:
    """What is said instead of the true answer."""
    if fault.corrupt is not None:
        return Reply(reply.status, fault.corrupt, reply.headers)
    if fault.answer is None:
        return reply
    if isinstance(fault.answer.body, str):
        headers = {"Content-Type": "text/html", **fault.answer.headers}
        return Reply(fault.answer.status, fault.answer.body.encode(), headers)
    said = plain(dict(fault.answer.body), fault.answer.status)
    return Reply(said.status, said.body, {**said.headers, **fault.answer.headers})


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, reply: Reply) -> web.StreamResponse:
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def file_reply(data: bytes, mime: str, wanted: str) -> Reply:
    """A file, whole or the one range that `wanted` (the Range header) asks for."""
    headers = {"Content-Type": mime, "Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.strip())
    if match is None or match.groups() == ("", ""):
        return Reply(200, data, headers)
    first, last = match.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end:
        return Reply(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"})


def file_or_404(data: bytes | None, mime: str, request: web.Request) -> Reply:
    """The file, or the host's 404 when there is none."""
    if data is None:
        return Reply(404, b"Not Found", {"Content-Type": "text/plain"})
    return file_reply(data, mime, request.headers.get("Range", ""))


async def json_of(request: web.Request) -> Mapping[str, Any]:
    """The JSON object of the body; empty for anything else (each endpoint then misses its fields)."""
    with contextlib.suppress(orjson.JSONDecodeError):
        body = orjson.loads(await request.read() or b"{}")
        if isinstance(body, Mapping):
            return body
    return {}
