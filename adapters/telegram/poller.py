"""Long polling that loses nothing: an update is stored before the next getUpdates acknowledges it.

Raw getUpdates: aiogram's own polling acknowledges before the work is done, and one update that its models
do not know stops it for good (aiogram#1840). Pending updates are never dropped: they may be payments.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.methods import TelegramMethod

from adapters.telegram.client import Timeouts, call
from adapters.telegram.failures import scrub
from engine.ports import Clock
from states.vocabulary import Failure

R = TypeVar("R")

ALLOWED_UPDATES = ("message", "callback_query", "pre_checkout_query", "my_chat_member")
"""Everything the bot acts on. Omitting the list would keep whatever was set before."""

Put = Callable[[int, int, bytes], Awaitable[bool]]
"""`put(update_id, chat_id, raw)`: stores it durably; False when it was seen before; raises when it cannot."""

_MAX_BACKOFF_S = 30.0
_CONFIRM_S = 5.0
_HICCUPS = 3
"""Failures in a row from which on the network's trouble is the operator's, too."""


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates without aiogram's models, so that no update is undecodable."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


class Trouble(StrEnum):
    """What keeps updates from coming in."""

    NETWORK = "network"
    CONFLICT = "conflict"
    """Somebody else reads this bot's updates, or a webhook is set."""
    UNAUTHORIZED = "unauthorized"
    """Fatal: the token is wrong or was revoked."""
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence for the operator, with the mend. Told once per streak of the same trouble.

    A hiccup of the network is not told: it is over with the next try, and nothing was lost by it.
    """

    trouble: Trouble
    text: str
    failure: Failure | None = None


OnProblem = Callable[[Problem], Awaitable[None]]

_TEXTS = {
    Trouble.NETWORK: "Telegram cannot be reached; trying again.",
    Trouble.CONFLICT: (
        "Another reader takes this bot's updates: stop the other process, or remove the webhook"
        " (deleteWebhook)."
    ),
    Trouble.UNAUTHORIZED: "Telegram refuses the bot token: set the token that @BotFather shows for this bot.",
    Trouble.STORE: "Updates cannot be stored, so they are left at Telegram: check the store.",
}


def chat_of(update: Mapping[str, Any]) -> int:
    """The chat (or, where an update names none, the person) whose updates must stay in order; 0 unknown.

    In a private chat both are the same number.
    """
    for kind, body in update.items():
        if kind == "update_id" or not isinstance(body, dict):
            continue
        by_person = kind in ("callback_query", "pre_checkout_query")
        for key in ("from", "chat", "user") if by_person else ("chat", "from", "user"):
            who = body.get(key)
            if isinstance(who, dict) and isinstance(who.get("id"), int):
                return int(who["id"])
    return 0


class Poller:
    """Reads updates until stopped. One for a token: a second reader gets 409."""

    def __init__(
        self,
        bot: Bot,
        put: Put,
        clock: Clock,
        *,
        on_problem: OnProblem | None = None,
        timeouts: Timeouts | None = None,
        limit: int = 100,
    ) -> None:
        self._bot = bot
        self._put = put
        self._clock = clock
        self._on_problem = on_problem
        self._timeouts = timeouts or Timeouts()
        self._limit = limit
        self._offset: int | None = None
        """First id not stored yet; None before the first batch: Telegram remembers."""
        self._failures = 0
        self._told: Trouble | None = None

    async def run(self, stop: asyncio.Event) -> Problem | None:
        """Poll until `stop`; a Problem when going on makes no sense (the token is refused)."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                problem = await self._turn(stopped)
                if problem is not None and problem.trouble is Trouble.UNAUTHORIZED:
                    return problem
                if problem is not None:
                    await _unless(stopped, self._clock.sleep(self._backoff_s(problem)))
        finally:
            stopped.cancel()
        await self._confirm()
        return None

    async def _turn(self, stopped: asyncio.Task[Any]) -> Problem | None:
        """One batch. A stop interrupts the waiting at Telegram, never the storing."""
        ask = RawUpdates(
            offset=self._offset,
            limit=self._limit,
            timeout=int(self._timeouts.poll_s),
            allowed_updates=list(ALLOWED_UPDATES),
        )
        answer = await _unless(stopped, self._ask(ask))
        if answer is None:
            return None
        if isinstance(answer, Failure):
            return await self._report(_trouble(answer), answer)
        for update in answer:
            problem = await self._keep(update)
            if problem is not None:
                return problem
        self._failures, self._told = 0, None
        return None

    async def _ask(self, ask: RawUpdates) -> list[dict[str, Any]] | Failure:
        return await call(self._bot, ask, timeout=self._timeouts.poll(), step="updates")

    async def _keep(self, update: dict[str, Any]) -> Problem | None:
        """Store one update; only then does the offset move past it."""
        update_id = update.get("update_id")
        if not isinstance(update_id, int):
            return None  # without a number it cannot be acknowledged, and Telegram never sends such
        # ASCII escapes keep lone surrogates, which a forwarded text may hold, as they came.
        raw = json.dumps(update, separators=(",", ":")).encode()
        try:
            await self._put(update_id, chat_of(update), raw)
        except Exception as exc:  # noqa: BLE001  (the store's own errors are not known here; nothing is acked)
            text = scrub(f"{type(exc).__name__}: {exc}", self._bot.token)
            return await self._report(Trouble.STORE, Failure(source="engine", step="store", exception=text))
        self._offset = max(self._offset or 0, update_id + 1)
        return None

    async def _report(self, trouble: Trouble, failure: Failure) -> Problem:
        problem = Problem(trouble, _TEXTS[trouble], failure)
        self._failures += 1
        if trouble is Trouble.NETWORK and self._failures < _HICCUPS:
            return problem
        if self._told is not trouble:
            self._told = trouble
            if self._on_problem is not None:
                await self._on_problem(problem)
        return problem

    def _backoff_s(self, problem: Problem) -> float:
        wanted_s = problem.failure.retry_after_s if problem.failure else None
        return max(wanted_s or 0.0, min(_MAX_BACKOFF_S, 0.5 * 2.0 ** min(self._failures, 10)))

    async def _confirm(self) -> None:
        """Acknowledge what is stored, so that the next process is not told it again. Harmless if it fails."""
        if self._offset is None:
            return
        last = RawUpdates(offset=self._offset, limit=1, timeout=0, allowed_updates=list(ALLOWED_UPDATES))
        brief = Timeouts(call_s=_CONFIRM_S, connect_s=_CONFIRM_S)
        await call(self._bot, last, timeout=brief.small(), step="updates")


async def _unless(stopped: asyncio.Task[Any], work: Coroutine[Any, Any, R]) -> R | None:
    """The work's result; None when `stopped` came first, and then the work has been cancelled."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _trouble(failure: Failure) -> Trouble:
    if failure.http_status in (401, 404):  # 404 is the answer to a token that is not one
        return Trouble.UNAUTHORIZED
    return Trouble.CONFLICT if failure.http_status == 409 else Trouble.NETWORK
