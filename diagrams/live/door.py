"""Who may look, who may read what people wrote, who may act. Closed unless somebody opened it.

A token is asked for in a form, compared in constant time, answered with a cookie that no script can read and
no other site can send. It is never in an address, so never in a log or a history of pages.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

COOKIE: Final = "reelstate_live"
SESSION_S: Final = 12 * 3600
SESSIONS_MOST: Final = 100
TRIES: Final = 8
"""Wrong tokens within TRIES_S before everybody waits: enough for typing, not for guessing."""
TRIES_S: Final = 60.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How far the door is open. The default is shut.

    `token`: whoever knows it may read everything and act. `open_reading`: anybody may look, without
    personal text and without acting. `open_private`: personal text too (one's own sandbox). `hosts`: the
    only names this page answers to (against rebinding of names), empty for any. `secure`: the cookie
    travels over https only.
    """

    token: str = ""
    open_reading: bool = False
    open_private: bool = False
    hosts: frozenset[str] = frozenset()
    secure: bool = False

    def __repr__(self) -> str:
        """Never the token."""
        return f"Access(token={'***' if self.token else 'none'}, open_reading={self.open_reading})"


@dataclass(frozen=True, slots=True)
class Rights:
    """What one request may do."""

    read: bool
    private: bool
    act: bool


class Door:
    """The sessions of one page. `new_id` gives unguessable words."""

    def __init__(self, access: Access, new_id: Callable[[], str], now_s: Callable[[], float]) -> None:
        self._access = access
        self._new_id = new_id
        self._now_s = now_s
        self._sessions: dict[str, float] = {}
        self._wrong: list[float] = []

    @property
    def has_token(self) -> bool:
        """Whether signing in is possible."""
        return bool(self._access.token)

    def rights(self, request: web.Request) -> Rights:
        """What this request may do."""
        signed = self._signed(request)
        access = self._access
        opened = access.open_reading or access.open_private
        return Rights(read=opened or signed, private=access.open_private or signed, act=signed)

    def _signed(self, request: web.Request) -> bool:
        word = request.cookies.get(COOKIE, "")
        return bool(word) and self._sessions.get(word, 0.0) > self._now_s()

    def knows_host(self, request: web.Request) -> bool:
        """Whether the page is asked under its own name."""
        hosts = self._access.hosts
        return not hosts or (urlsplit(f"//{request.host}").hostname or "") in hosts

    def sign_in(self, given: str) -> str | None:
        """A session for the right token, None for a wrong one. Raises HTTPTooManyRequests."""
        now = self._now_s()
        self._wrong = [at for at in self._wrong if at > now - TRIES_S]
        if len(self._wrong) >= TRIES:
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(int(TRIES_S))})
        right = hmac.compare_digest(given.encode(), self._access.token.encode())
        if not right or not self._access.token:
            self._wrong.append(now)
            return None
        self._sessions = {word: end for word, end in self._sessions.items() if end > now}
        while len(self._sessions) >= SESSIONS_MOST:
            self._sessions.pop(next(iter(self._sessions)))
        word = self._new_id()
        self._sessions[word] = now + SESSION_S
        return word

    def sign_out(self, request: web.Request) -> None:
        """Forget a session."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)

    def give(self, response: web.StreamResponse, session: str, path: str) -> None:
        """Put a session's cookie into an answer."""
        response.set_cookie(
            COOKIE,
            session,
            max_age=SESSION_S,
            path=path,
            httponly=True,
            samesite="Strict",
            secure=self._access.secure,
        )


def same_origin(request: web.Request) -> bool:
    """Whether the page itself asks. Browsers say where a POST comes from; who does not say is refused."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.host
    return request.headers.get("Sec-Fetch-Site") == "same-origin"
