"""Recorded error observations: a JSON line as a `Failure`, a verdict as a JSON line.

The format is the one of `reelstate classify`; only the observation's own fields are read, never what
somebody expects of it. Missing and oddly typed fields are met with silence, not with an exception.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from states.vocabulary import Failure, Verdict

_RUNNING = frozenset(
    (
        *("waiting", "queuing", "queued", "queueing", "in_queue", "generating", "running", "processing"),
        *("pending", "in_progress", "starting", "submitted", "created", "preparing", "prepare", "throttled"),
    )
)
_DONE = frozenset(("success", "succeeded", "succeed", "completed", "complete", "done", "finished", "ok"))
_FAILED = frozenset(
    (
        "fail",
        "failed",
        "failure",
        "error",
        "errored",
        "cancelled",
        "canceled",
        "rejected",
        "timeout",
        "expired",
    )
)
_FLAGS = {"0": "generating", "1": "success", "2": "fail", "3": "fail"}
"""Veo's `successFlag`."""

_CODE_KEYS = ("failcode", "errorcode", "errcode", "failurecode", "statuscode")
_NAME_KEYS = ("type", "code")
"""The same, inside an object that is a failure."""
_SURE_TEXT_KEYS = (
    *(
        "failmsg",
        "errormessage",
        "errormsg",
        "errmsg",
        "failreason",
        "failuremessage",
        "failure",
        "statusmsg",
    ),
    *(
        "taskstatusmsg",
        "statusmessage",
        "failurereason",
        "reason",
        "blockreason",
        "finishreason",
        "raimediafilteredreasons",
    ),
)
"""Keys that hold a failure wherever they stand."""
_TEXT_KEYS = (*_SURE_TEXT_KEYS, "msg", "message", "detail", "error", "errors", "description", "title")
"""The same, inside an object that is a failure."""
_OUTER_TEXT_KEYS = ("msg", "message", "error", "errors", "detail", "description", "title", "statusmessage")
_NESTED_KEYS = (
    *("data", "baseresp", "error", "output", "response", "detail", "details", "errors", "issues", "task"),
    *("result", "resp", "promptfeedback", "candidates"),
)
"""All keys are compared without case, `_` and `-`: providers write failMsg, fail_msg and FailMsg."""
_WRAPPERS = ("error", "data")
_DEPTH = 3
_SAYS_NOTHING = ("", "success", "ok")
_PAGE_LIMIT = 20_000
"""Characters of a page that are looked at."""
_TAGS = re.compile(r"<[^>]{0,200}>")


def kie_failure(row: Mapping[str, object]) -> Failure:
    """A KIE observation: `stage`, `http_status`, `body` (object, HTML or null), `exception`, `message`."""
    body = _body(row.get("body"))
    message, exception = _text(row.get("message")), _text(row.get("exception"))
    status = _number(row.get("http_status"))
    code = fail_code = None
    inner = ""
    if isinstance(body, Mapping):
        holder = _folded(body)
        code, outer = _envelope(holder, status)
        fail_code, inner = _inner(holder)
        if not inner and fail_code is None and outer.lower() in _SAYS_NOTHING:
            inner = _shape(holder, "" if message.lower() in _SAYS_NOTHING else message)
        elif not inner and message and message != outer and outer.lower() not in message.lower():
            inner = message
        message = outer or message
    elif body:
        message = message or _TAGS.sub(" ", body[:_PAGE_LIMIT])
    return Failure(
        source="kie",
        step=_text(row.get("stage")) or "poll",
        http_status=status,
        code=code,
        fail_code=fail_code,
        message=message,
        fail_message=inner,
        exception=exception,
        retry_after_s=_seconds(row.get("retry_after")),
        may_have_arrived=_maybe(row.get("may_have_arrived")),
    )


def telegram_failure(row: Mapping[str, object]) -> Failure:
    """A Telegram observation: `method`, `http_status`, `error_code`, `description`, `parameters` …"""
    raw = row.get("parameters")
    parameters: Mapping[str, object] = raw if isinstance(raw, Mapping) else {}
    code = _number(row.get("error_code"))
    return Failure(
        source="telegram",
        step="send",
        method=_text(row.get("method")),
        http_status=_number(row.get("http_status")),
        code=None if code is None else str(code),
        message=_text(row.get("description")) or _text(row.get("message")),
        exception=_text(row.get("exception")),
        retry_after_s=_seconds(parameters.get("retry_after")),
        may_have_arrived=_maybe(row.get("may_have_arrived")),
        migrate_to_chat_id=_number(parameters.get("migrate_to_chat_id")),
    )


def answer(row_id: object, verdict: Verdict) -> dict[str, object]:
    """A verdict as the output line of `reelstate classify`: exactly six keys, seconds as a number or null."""
    return {
        "id": row_id,
        "label": None if verdict.label is None else str(verdict.label),
        "class": str(verdict.cls),
        "reason": str(verdict.reason),
        "rule": verdict.rule,
        "retry_after_s": verdict.retry_after_s,
    }


def _body(body: object) -> Mapping[str, Any] | str | None:
    """A body as an object where it is one, even when it was recorded as text."""
    if isinstance(body, str):
        text = body.strip()
        if text.startswith("{"):
            try:
                parsed = json.loads(text)
            except (ValueError, RecursionError):
                return text
            return parsed if isinstance(parsed, dict) else text
        return text
    if isinstance(body, list) and body:
        return _body(body[0])
    return body if isinstance(body, Mapping) else None


def _folded(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object under keys without case, `_` and `-`; the first of two equal keys wins."""
    folded: dict[str, Any] = {}
    for key, value in holder.items():
        folded.setdefault(str(key).lower().replace("_", "").replace("-", ""), value)
    return folded


def _envelope(body: Mapping[str, Any], status: int | None) -> tuple[str | None, str]:
    """Code and text of the outer level. An explicit error without a code takes the HTTP status."""
    text = _first(body, _OUTER_TEXT_KEYS)
    code = _word(body.get("code")) or _word(body.get("statuscode"))
    if code is None and text and status is not None and status >= 400:
        code = str(status)
    return code, text


def _inner(body: Mapping[str, Any]) -> tuple[str | None, str]:
    """Code and text of the failure inside: KIE's `data`, or the nested error of an upstream."""
    for holder in (*_nested(body), body):
        inside = holder is not body
        keys = (*_CODE_KEYS, *reversed(_NAME_KEYS)) if inside else _CODE_KEYS
        code = next((word for key in keys if (word := _word(holder.get(key)))), None)
        text = _located(holder, _first(holder, _TEXT_KEYS if inside else _SURE_TEXT_KEYS))
        code = None if code in ("200", "0") else code
        if code or text:
            return code, text
    return None, ""


def _located(holder: Mapping[str, Any], text: str) -> str:
    """A validation text led by its field: "should have at most 2500 characters" is said of the prompt."""
    places = holder.get("loc")
    field = _text(places[-1]) if text and isinstance(places, list) and len(places) > 1 else ""
    return f"{field}: {text}" if field else text


def _nested(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects inside a body that may hold the failure, best evidence first."""
    return [holder for key in _NESTED_KEYS for holder in _deepest_first(body.get(key), _DEPTH)]


def _deepest_first(value: object, depth: int) -> list[Mapping[str, Any]]:
    """The object and the failures inside it: relays wrap what an upstream said, the innermost knows best."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, Mapping)), None)
    if not isinstance(value, Mapping):
        return []
    holder = _folded(value)
    inside = (_deepest_first(holder.get(key), depth - 1) for key in _WRAPPERS) if depth else ()
    return [*(found for each in inside for found in each), holder]


def _shape(body: Mapping[str, Any], message: str) -> str:
    """Words for an answer that names no error: still at work, done without a result, or a strange state."""
    data = body.get("data")
    holder = _folded(data) if isinstance(data, Mapping) else body
    flag = _word(holder.get("successflag"))
    state = _first(holder, ("state", "status", "taskstatus")).lower() or _FLAGS.get(flag or "", "")
    if state in _DONE:
        return "success without a usable result"
    if state in _RUNNING:
        return message or f"task is still processing: {state}"
    if not state or state in _FAILED:
        return message
    return f"{state}: unknown task state"


def _first(holder: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The first of these keys that holds a text."""
    values = (holder.get(key) for key in keys)
    firsts = (value[0] if isinstance(value, list) and value else value for value in values)
    return next((text for value in firsts if (text := _text(value))), "")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _word(value: object) -> str | None:
    """A code as a string: providers send numbers, digits in strings and words."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return str(int(value)) if value == value and abs(value) < 1e12 else None  # noqa: PLR0124 - NaN
    return value.strip() or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    word = _word(value)
    digits = word[1:] if word and word.startswith("-") else word
    return (
        int(word) if word and digits and digits.isascii() and digits.isdigit() and len(digits) < 20 else None
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _maybe(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
