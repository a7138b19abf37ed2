"""The Bot API's transport in the simulation: the real courier and notifier talk to a Telegram in process.

It loses requests and answers the way networks do, and raises what aiogram's own session raises then.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, TypeVar, cast

import orjson
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import Response, TelegramMethod
from aiogram.types import InputFile
from aiohttp import ConnectionTimeoutError

from adapters.sandbox.world.telegram import Reply, SimTelegram, broken, flood, strange
from adapters.telegram.client import Upload, _seen
from engine.simulation.fate import Fate, Odds
from engine.simulation.host import Host

T = TypeVar("T")

TROUBLE: Final[Odds] = {
    "not_connected": 0.02,
    "request_lost": 0.02,
    "answer_lost": 0.04,
    "flood": 0.02,
    "broken_before": 0.015,
    "broken_after": 0.015,
    "slow": 0.02,
    "strange": 0.015,
}
Doubt = Callable[[int], None]
_ANSWERS: Final[dict[type, Any]] = {}
"""Types of answers. Pydantic forgets what nobody holds, and makes it again for milliseconds."""


class SimSession(BaseSession):
    """One process's line to Telegram. `doubt` hears of each call whose fate its sender cannot know."""

    def __init__(self, telegram: SimTelegram, host: Host, fate: Fate, doubt: Doubt) -> None:
        super().__init__()
        self._telegram = telegram
        self._host = host
        self._fate = fate
        self._doubt = doubt
        self.calls = 0

    async def make_request(self, bot: Bot, method: TelegramMethod[T], timeout: Any = None) -> T:  # noqa: ASYNC109, ARG002
        """One call, as fate will have it."""
        self.calls += 1
        host, name = self._host, method.__api_method__
        given = _plain(method)
        chat = int(given["chat_id"])
        kind = self._fate.draw("telegram", f"{host.name} {name} {chat}", TROUBLE)
        self._journal(name, given, kind or "-")
        await host.pace()
        host.risk(f"before {name}")
        if kind == "not_connected":
            await host.sleep(1.0)
            raise TelegramNetworkError(method=method, message="cannot connect") from ConnectionTimeoutError()
        await host.sleep(20.0 if kind == "slow" else 0.03)
        for upload in _uploads(method):
            upload.drained = True
        if kind == "request_lost":
            self._doubt(chat)
            await host.sleep(30.0)
            raise TelegramNetworkError(method=method, message="Request timeout error") from TimeoutError()
        reply = self._answer(kind, name, given)
        self._survive(name, chat)
        if kind in ("answer_lost", "broken_after"):
            self._doubt(chat)
        if kind == "answer_lost":
            await host.sleep(30.0)
            raise TelegramNetworkError(method=method, message="Request timeout error") from TimeoutError()
        try:
            await host.pace()
        except BaseException:  # a simulated death is none of the ordinary ones
            self._doubt(chat)
            raise
        return self._heard(bot, method, broken(502) if kind == "broken_after" else reply)

    def _survive(self, name: str, chat: int) -> None:
        """The call has arrived; whoever made it may be gone."""
        try:
            self._host.risk(f"after {name}")
        except BaseException:  # a simulated death is none of the ordinary ones
            self._doubt(chat)
            raise

    def _answer(self, kind: str, name: str, given: dict[str, Any]) -> Reply:
        if kind == "flood":
            return flood(5)
        if kind == "broken_before":
            return broken(500)
        if kind == "strange":
            same = self._fate.focus == ("telegram", "strange")  # whoever insists gets the same answer
            place = "" if same else f" {self._host.name} {name} {len(self._fate.fired)}"
            return strange(self._fate.number(f"words{place}"))
        reply = self._telegram.call(name, given)
        self._journal(name, given, str(reply.status))
        return reply

    def _journal(self, name: str, given: dict[str, Any], what: str) -> None:
        place, words = given.get("message_id", "new"), str(given.get("text") or given.get("caption") or "")
        line = f"{self._host.now_ms()} {self._host.name} {name} {given['chat_id']}/{place} {words} {what}"
        self._telegram.journal.append(line)

    def _heard(self, bot: Bot, method: TelegramMethod[T], reply: Reply) -> T:
        seen = _seen.get()
        if seen is not None:
            seen.status, seen.body = reply.status, reply.body
            if seen.raw and reply.status == 200:
                return cast("T", reply.body["result"])
        if type(method) not in _ANSWERS:
            _ANSWERS[type(method)] = Response[method.__returning__]  # type: ignore[name-defined]
        text = orjson.dumps(reply.body).decode()
        checked = self.check_response(bot=bot, method=method, status_code=reply.status, content=text)
        return cast("T", checked.result)

    async def close(self) -> None:
        """Nothing is open."""

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        """The simulation never downloads from Telegram."""
        for nothing in tuple[bytes, ...]():
            yield nothing


def _plain(method: TelegramMethod[Any]) -> dict[str, Any]:
    """The call's parameters. Uploads are told by their file's name."""
    return {name: _value(getattr(method, name)) for name in type(method).model_fields}


def _value(value: Any) -> Any:
    if isinstance(value, Upload):
        return str(value.source) if not isinstance(value.source, bytes) else "bytes"
    if hasattr(value, "model_fields_set"):
        return {name: _value(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, list):
        return [_value(one) for one in value]
    return value


def _uploads(method: TelegramMethod[Any]) -> list[Upload]:
    media = getattr(method, "media", None)
    found = [getattr(method, "video", None), getattr(method, "document", None), getattr(media, "media", None)]
    return [one for one in found if isinstance(one, InputFile) and isinstance(one, Upload)]
