"""From a broken Telegram call to plain facts (`Failure`) and their verdict. The token never gets through."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiogram.exceptions import (
    ClientDecodeError,
    DetailedAiogramError,
    TelegramAPIError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiohttp import ClientConnectorError, ConnectionTimeoutError

from engine.ports import Failed
from states.classify import classify_kie_error, classify_telegram_error
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict

_RETRY_TEXT = re.compile(r"retry after (\d+)", re.IGNORECASE)
_TOKEN_SHAPE = re.compile(r"\d{3,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}|(?<=/bot)\d+(?::|%3[Aa])[A-Za-z0-9_-]+")
_TEXT_LIMIT = 400
_CHAIN_LIMIT = 6

_PLAIN_FAULTS = re.compile(
    r"can't parse entities|can't find end of|unsupported (start|end) tag|caption is too long|CAPTION_TOO_LONG"
    r"|message is too long|MESSAGE_TOO_LONG|BUTTON_\w+|REPLY_MARKUP_\w+|reply markup|reply keyboard"
    r"|inline keyboard|ENTITY_\w+|ENTITIES_\w+",
    re.IGNORECASE,
)
"""Faults of our own decoration (telegram.org/bots/api, 400): the same message without it goes through."""


@dataclass(slots=True)
class Exchange:
    """One call: what was asked, and what was seen on the wire (aiogram's exceptions drop the latter).

    `drained` tells whether the whole upload was handed to the socket; None for calls without a file.
    `raw`: the result is wanted as it came, without aiogram's models.
    """

    method: str
    token: str
    step: str = "send"
    drained: Callable[[], bool] | None = None
    raw: bool = False
    status: int | None = None
    body: Mapping[str, Any] | None = None
    retry_after_s: float | None = None


def scrub(text: str, token: str = "") -> str:
    """`text` without the bot token, whole or its secret half, as written or percent-encoded."""
    if token:
        for secret in (token, token.replace(":", "%3A"), token.partition(":")[2]):
            if secret:
                text = text.replace(secret, "<token>")
    return _TOKEN_SHAPE.sub("<token>", text)


def _own_words(exc: BaseException) -> str:
    """An exception's text without the decoder's copy of the content."""
    if isinstance(exc, ClientDecodeError):
        kind = type(exc.original)
        return f"{exc.message}; Caused from error: {kind.__module__}.{kind.__name__}: {exc.original}"
    if isinstance(exc, TelegramAPIError):
        return f"{exc.label} - {exc.message}"
    if isinstance(exc, DetailedAiogramError):
        return str(exc.message)
    return str(exc)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = exc
    for _ in range(_CHAIN_LIMIT):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _spell(exc: BaseException) -> str:
    kind = type(exc)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    # Only the first line: pydantic's further lines quote the Message, which holds the user's words.
    words = _own_words(exc).partition("\n")[0]
    return f"{name}: {words[:_TEXT_LIMIT]}"


def spell_chain(exc: BaseException, token: str = "") -> str:
    """`module.Type: text <- module.Cause: text`, scrubbed."""
    return scrub(" <- ".join(_spell(link) for link in _chain(exc)), token)


def _arrival(exc: BaseException, seen: Exchange) -> bool | None:
    """May the request have been acted on? Table of measured faults: refused and unfinished never are."""
    if seen.status is not None:
        if 400 <= seen.status < 500:
            return False
        return True if seen.status < 400 else None
    if any(isinstance(link, ClientConnectorError | ConnectionTimeoutError) for link in _chain(exc)):
        return False
    if seen.drained is not None:
        return seen.drained()
    return not any("Can not write request body" in str(link) for link in _chain(exc))


def _retry_after(exc: BaseException, seen: Exchange, params: Mapping[str, Any], message: str) -> float | None:
    for value in (params.get("retry_after"), seen.retry_after_s):
        if isinstance(value, int | float):
            return float(value)
    if isinstance(exc, TelegramRetryAfter):
        return float(exc.retry_after)
    found = _RETRY_TEXT.search(message)
    return float(found.group(1)) if found else None


def _message(exc: BaseException, seen: Exchange) -> str:
    """Telegram's `description`; from the exception when the session did not note the answer."""
    description = (seen.body or {}).get("description")
    if isinstance(description, str):
        return description
    if seen.status is None and isinstance(exc, TelegramAPIError) and exc.label == TelegramAPIError.label:
        return str(exc.message or "")
    return ""


def failure_of(exc: BaseException, seen: Exchange) -> Failure:
    """The facts of a failed call, scrubbed of the token."""
    body = seen.body or {}
    params = body.get("parameters")
    params = params if isinstance(params, dict) else {}
    moved = params.get("migrate_to_chat_id")
    if moved is None and isinstance(exc, TelegramMigrateToChat):
        moved = exc.migrate_to_chat_id
    code = body.get("error_code")
    message = _message(exc, seen)
    return Failure(
        source="telegram",
        step=seen.step,
        method=seen.method,
        http_status=seen.status,
        code=None if code is None else str(code),
        message=scrub(message, seen.token)[:_TEXT_LIMIT],
        exception=spell_chain(exc, seen.token),
        retry_after_s=_retry_after(exc, seen, params, message),
        may_have_arrived=_arrival(exc, seen),
        migrate_to_chat_id=moved if isinstance(moved, int) else None,
    )


def _named(failure: Failure, verdict: Verdict) -> Verdict:
    """A line that broke is `network`, whatever the moment; `send_timeout` is kept for real silence."""
    if verdict.reason is not Reason.SEND_TIMEOUT or "timeout" in failure.exception.lower():
        return verdict
    return replace(verdict, reason=Reason.NETWORK)


def judge(failure: Failure) -> Verdict:
    """The classifier's verdict; a failure to get the video's bytes is judged for the sending stage."""
    if failure.source == "telegram":
        return _named(failure, classify_telegram_error(failure))
    verdict = classify_kie_error(failure)
    passing = {Reason.RATE_LIMITED, Reason.UNAVAILABLE, Reason.NETWORK}
    if verdict.cls is ErrorClass.TRANSIENT and verdict.reason in passing:
        return verdict
    return Verdict(ErrorClass.SYSTEM, Reason.STORAGE_LOST, "telegram/video_bytes_lost", label=Label.SYSTEM)


def failed(failure: Failure) -> Failed:
    """The failure with its verdict, as the ports answer it."""
    return Failed(failure, judge(failure))


def is_plain_fault(failure: Failure) -> bool:
    """True when Telegram refused our markup, caption or keyboard, not the thing itself."""
    return failure.http_status == 400 and bool(_PLAIN_FAULTS.search(failure.message))
