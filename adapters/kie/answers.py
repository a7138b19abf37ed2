"""What KIE's answers mean, read tolerantly: the wire differs from the documentation and from day to day.

Only the fields named here are looked at. `param` repeats the user's prompt and our callback address: it is
never read, so neither a word nor an address in it can be mistaken for the provider's.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapters.outside import json_of
from states.vocabulary import Failure


class Phase(StrEnum):
    """How far a task is."""

    RENDERING = "rendering"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskCreated:
    """A task exists and will be billed when it succeeds."""

    task_id: str


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The state of a task. `word` is KIE's own word for it, `known` whether we knew the word."""

    phase: Phase
    word: str = ""
    known: bool = True
    urls: tuple[str, ...] = ()
    fail_code: str | None = None
    fail_message: str = ""
    cost: float | None = None
    """KIE credits consumed."""
    took_s: float | None = None
    """complete minus create: `costTime` is seconds on the wire and ms in the documentation."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file on KIE's temporary host: gone after 24 h."""

    url: str


@dataclass(frozen=True, slots=True)
class Credits:
    """What is left on the account of a key, KIE credits."""

    amount: float


@dataclass(frozen=True, slots=True)
class Link:
    """A download link made for us, good for 20 minutes."""

    url: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The `data` of a probe (models, schema, price) as it came."""

    data: Any


SUCCESS_WORDS = frozenset({"success", "succeeded", "successful", "completed", "complete", "done", "finished"})
FAIL_WORDS = frozenset({"fail", "failed", "failure", "error", "canceled", "cancelled", "expired", "timeout"})
WAIT_WORDS = frozenset(
    {
        "waiting",
        "queuing",
        "queueing",
        "queued",
        "pending",
        "generating",
        "processing",
        "running",
        "in_progress",
        "",
    }
)
VEO_FLAGS = {"0": "generating", "1": "success", "2": "fail", "3": "fail"}
URL_LISTS = ("resultUrls", "result_urls", "urls", "videos")
URL_FIELDS = ("resultUrl", "result_url", "videoUrl", "video_url", "url")
WEB = re.compile(r"https?://[^\s\"'<>\\]+")
NOT_VIDEO = re.compile(r"\.(jpe?g|png|webp|gif|json|txt)(\?|$)", re.IGNORECASE)
TASK_ID_MOST = 200
DEPTH = 8
"""How deep results and models are looked for; real answers nest three times."""
NOT_YET = re.compile(r"\brecord\s?info is null\b|\brecord is null\b", re.IGNORECASE)


def task_created(data: Any) -> TaskCreated | None:
    """The id of a new task (`taskId`, else `recordId`); None when there is none that can be one."""
    if isinstance(data, Mapping):
        for name in ("taskId", "task_id", "recordId"):
            task_id = task_id_of(data.get(name))
            if task_id:
                return TaskCreated(task_id)
    return None


def task_id_of(value: Any) -> str:
    """It goes into addresses, logs and the store: a short printable word, or nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    word = str(value).strip() if isinstance(value, str) or abs(value) < 10**TASK_ID_MOST else ""
    return word if len(word) <= TASK_ID_MOST and word.isprintable() else ""


def task_report(data: Any) -> TaskReport | None:
    """The report in `data` of recordInfo, Veo's record-info or a callback; None when there is none."""
    data = _unpacked(data)
    if isinstance(data, str):
        urls = tuple(WEB.findall(data))
        return TaskReport(Phase.SUCCEEDED, "url", urls=urls) if urls else None
    if not isinstance(data, Mapping) or not data:
        return None
    return _report(data)


def _report(data: Mapping[str, Any]) -> TaskReport:
    word = _state_word(data)
    fail_message = _text(data, "failMsg", "fail_msg", "errorMessage", "failReason")
    fail_code = _text(data, "failCode", "fail_code", "errorCode") or None
    urls = _result_urls(data)
    if word in FAIL_WORDS and fail_message.lower() != "success":  # failed for success: still being made
        phase = Phase.FAILED
    elif word in SUCCESS_WORDS or urls:
        phase = Phase.SUCCEEDED
    else:
        phase = Phase.RENDERING
    return TaskReport(
        phase,
        word,
        known=word in SUCCESS_WORDS | FAIL_WORDS | WAIT_WORDS,
        urls=urls,
        fail_code=fail_code,
        fail_message=fail_message if phase is Phase.FAILED else "",
        cost=_cost(data.get("creditsConsumed")),
        took_s=_took_s(data),
    )


def not_yet_visible(failure: Failure) -> bool:
    """KIE does not know a task in its first seconds: 422 `recordInfo is null`."""
    return bool(NOT_YET.search(failure.message))


def model_ids(data: Any) -> frozenset[str]:
    """The model ids in the `data` of `/api/v1/models`, whatever nests them."""
    return frozenset(_ids(data))


def _ids(data: Any, depth: int = DEPTH) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif not depth:
        return
    elif isinstance(data, list):
        for item in data:
            yield from _ids(item, depth - 1)
    elif isinstance(data, Mapping):
        name = data.get("id") or data.get("model") or data.get("name")
        if isinstance(name, str):
            yield name
        else:
            for value in data.values():
                if isinstance(value, list | Mapping):
                    yield from _ids(value, depth - 1)


def _state_word(data: Mapping[str, Any]) -> str:
    for name in ("state", "status", "taskStatus"):
        value = data.get(name)
        if isinstance(value, str):
            return value.strip().lower()
    flag = data.get("successFlag")
    return VEO_FLAGS.get(str(flag).strip(), f"flag {flag}") if flag is not None else ""


def _result_urls(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Addresses of the result itself: not the watermarked copy, not the first or last frame."""
    for holder in (data.get("resultJson"), data.get("response"), data.get("info"), data):
        found = [url for url in _urls(_unpacked(holder)) if WEB.fullmatch(url)]
        if found:
            return tuple(sorted(found, key=lambda url: bool(NOT_VIDEO.search(url))))
    return ()


def _urls(holder: Any, depth: int = DEPTH) -> Iterator[str]:
    if isinstance(holder, str):
        yield from WEB.findall(holder)
    elif not depth:
        return
    elif isinstance(holder, list):
        for item in holder:
            yield from _urls(item, depth - 1)
    elif isinstance(holder, Mapping):
        for name in (*URL_LISTS, *URL_FIELDS):
            if holder.get(name):
                yield from _urls(_unpacked(holder[name]), depth - 1)


def _unpacked(value: Any) -> Any:
    """JSON in a string is unpacked (twice at most: recorded traffic nests it)."""
    for _ in range(2):
        if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
            break
        try:
            value = json_of(value)
        except ValueError:
            break
    return value


def _text(data: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = data.get(name)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def number(value: Any) -> float | None:
    """A finite number, however it is written; None for everything else."""
    try:
        found = None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found is not None and math.isfinite(found) else None


def _cost(value: Any) -> float | None:
    """Credits are not negative: such a number is a slip, and the books must not earn by it."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def _took_s(data: Mapping[str, Any]) -> float | None:
    began, ended = number(data.get("createTime")), number(data.get("completeTime"))
    took_s = (ended - began) / 1000 if began and ended and ended >= began else None
    return took_s if took_s is not None and math.isfinite(took_s) else None
