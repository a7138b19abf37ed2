"""What went wrong with a call to KIE, as facts for the classifier.

Whether a create call may have arrived is decided here, from the wire alone: a connection that was never
made and a refusal in KIE's own envelope are sure ("no task"); everything after the first byte is not.
"""

import re
from dataclasses import replace
from email.utils import parsedate_to_datetime

import httpx

from states.vocabulary import Failure

CREATE = "create"
TEXT_LIMIT = 2_000
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
)


def describe(error: BaseException, secret: str = "") -> str:
    """`module.Type: text`, causes appended with ` <- `; the secret is cut out."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < 4:
        kind = type(seen)
        parts.append(f"{kind.__module__}.{kind.__qualname__}: {seen}".removeprefix("builtins.").rstrip(": "))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return clean(" <- ".join(parts), secret)


def clean(text: str, secret: str = "") -> str:
    """The text without the API key and at a length that suits a history record."""
    return (text.replace(secret, "***") if secret else text)[:TEXT_LIMIT]


def from_exception(step: str, error: BaseException, secret: str = "") -> Failure:
    """A call that got no answer."""
    arrived = None if step != CREATE else not isinstance(error, NEVER_SENT)
    return Failure(source="kie", step=step, exception=describe(error, secret), may_have_arrived=arrived)


def from_envelope(step: str, response: httpx.Response, code: str, message: str, secret: str = "") -> Failure:
    """A refusal that KIE wrote itself: no task was made."""
    return Failure(
        source="kie",
        step=step,
        http_status=response.status_code,
        code=code,
        message=clean(message, secret),
        retry_after_s=retry_after_s(response.headers),
        may_have_arrived=False if step == CREATE else None,
    )


def from_stranger(step: str, response: httpx.Response, secret: str = "") -> Failure:
    """An answer that is not KIE's envelope: a proxy's page, an error page, an empty body.

    A 4xx of a proxy stopped the call; a 2xx or 5xx says nothing of what happened behind it.
    """
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0]
    text = page_text(response.text) or "empty body"
    return Failure(
        source="kie",
        step=step,
        http_status=status,
        message=clean(f"not KIE's JSON ({kind or 'no type'}): {text}", secret),
        retry_after_s=retry_after_s(response.headers),
        may_have_arrived=not 300 <= status < 500 if step == CREATE else None,
    )


def malformed(step: str, response: httpx.Response, code: str, message: str, secret: str = "") -> Failure:
    """KIE said yes without what was asked for: nobody knows whether a task was made and will be billed."""
    failure = from_envelope(step, response, code, message, secret)
    return replace(failure, may_have_arrived=True if step == CREATE else None)


def page_text(page: str) -> str:
    """What a human would read of an HTML page, at most 200 characters of it."""
    words = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", page[:20_000])
    return " ".join(words.split())[:200]


def retry_after_s(headers: httpx.Headers) -> float | None:
    """The Retry-After header, seconds. A date is read against the answer's own Date header (RFC 9110)."""
    raw = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}(\.\d+)?", raw):
        return float(raw)
    try:
        until, sent = parsedate_to_datetime(raw), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - sent).total_seconds())
    except (TypeError, ValueError):
        return None
