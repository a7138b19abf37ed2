"""The intake of KIE's callbacks: hints to look now. Neither state nor address is ever taken from one.

Two proofs. The address carries our own signature over job and create call, so a stranger cannot name a job.
And when a webhook key is set at kie.ai/settings, KIE signs `taskId.timestamp` (not the body) with
HMAC-SHA256 in base64 (docs.kie.ai/common-api/webhook-verification).
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from adapters.kie.answers import task_id_of
from adapters.outside import json_of, same_secret
from engine.ports import Clock
from states.job import Hint

PATH = "/kie"
WINDOW_S = 300
BODY_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class CallbackSecrets:
    """`ours` signs our callback address; `provider` is the webhook key of KIE's settings, "" when unused."""

    ours: str = field(repr=False)
    provider: str = field(default="", repr=False)


class Rejection(StrEnum):
    """Why a callback is not believed."""

    ADDRESS = "address"
    """No job and number in the address, or not with our signature."""
    BODY = "body"
    """No JSON with a task id."""
    SIGNATURE = "signature"
    """KIE's signature is missing or wrong."""
    STALE = "stale"
    """Signed more than five minutes ago, or ahead."""


@dataclass(frozen=True, slots=True)
class Called:
    """A believed callback: which job it is about, and the hint for it."""

    job_id: str
    hint: Hint


OnHint = Callable[[str, Hint], Awaitable[bool]]


def address(public_url: str, secret: str, job_id: str, n: int) -> str:
    """The callback address of create call `n` of a job."""
    query = urlencode({"job": job_id, "n": n, "sig": _own_signature(secret, job_id, n)})
    return f"{public_url.rstrip('/')}{PATH}?{query}"


def verify(
    query: Mapping[str, str], headers: Mapping[str, str], body: bytes, secrets: CallbackSecrets, now_s: float
) -> Called | Rejection:
    """Whether a callback may be believed, and what it hints at. Pure; `headers` in any case of letters."""
    job_id, number = query.get("job", ""), query.get("n", "")
    if not job_id or not (number.isascii() and number.isdigit() and len(number) < 6):
        return Rejection.ADDRESS
    n = int(number)
    if not same_secret(query.get("sig", ""), _own_signature(secrets.ours, job_id, n)):
        return Rejection.ADDRESS
    task_id = _task_id(body)
    if not task_id:
        return Rejection.BODY
    if secrets.provider:
        refused = _check_provider(headers, task_id, secrets.provider, now_s)
        if refused is not None:
            return refused
    return Called(job_id, Hint(kind="callback", task_n=n, task_id=task_id))


def add_callback_route(app: web.Application, secrets: CallbackSecrets, on_hint: OnHint, clock: Clock) -> None:
    """Let `app` take callbacks at `/kie`. Answers are fast: the hint is recorded and nothing else is done.

    200 also for a job nobody knows (KIE would only repeat it), 401 for what is not believed.
    """

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        found = verify(request.query, request.headers, body, secrets, clock.now_ms() / 1000)
        if isinstance(found, Rejection):
            return web.json_response({"code": 401, "msg": found.value}, status=401)
        known = await on_hint(found.job_id, found.hint)
        return web.json_response({"code": 200, "msg": "ok" if known else "no such job"})

    app.router.add_post(PATH, take)


def callback_app(secrets: CallbackSecrets, on_hint: OnHint, clock: Clock) -> web.Application:
    """A web application of its own for the callbacks."""
    app = web.Application(client_max_size=BODY_LIMIT)
    add_callback_route(app, secrets, on_hint, clock)
    return app


def _check_provider(headers: Mapping[str, str], task_id: str, key: str, now_s: float) -> Rejection | None:
    lower = {name.lower(): value for name, value in headers.items()}
    stamp = lower.get("x-webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 14):
        return Rejection.SIGNATURE
    if not same_secret(lower.get("x-webhook-signature", ""), provider_signature(key, task_id, stamp)):
        return Rejection.SIGNATURE
    return Rejection.STALE if abs(now_s - int(stamp)) > WINDOW_S else None


def provider_signature(key: str, task_id: str, timestamp: str) -> str:
    """KIE's signature: base64 of HMAC-SHA256 over `taskId.timestamp`."""
    return base64.b64encode(_mac(key, f"{task_id}.{timestamp}")).decode()


def _own_signature(secret: str, job_id: str, n: int) -> str:
    return base64.urlsafe_b64encode(_mac(secret, f"kie-callback:{job_id}:{n}")[:18]).decode()


def _mac(key: str, text: str) -> bytes:
    """The text may be a stranger's: half characters of an address are signed as they are."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _task_id(body: bytes) -> str:
    """The task's id where the kinds of callbacks carry it: market, Runway, Aleph."""
    try:
        found: Any = json_of(body)
    except ValueError:
        return ""
    for holder in (found.get("data"), found) if isinstance(found, dict) else ():
        if isinstance(holder, dict):
            for name in ("taskId", "task_id", "recordId"):
                value = holder.get(name)
                if isinstance(value, str) and (task_id := task_id_of(value)):
                    return task_id
    return ""
