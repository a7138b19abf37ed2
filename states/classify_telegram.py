"""What kind of trouble is it with the Telegram Bot API: from the wire, from what was quoted, from the text.

Pure: no IO, no clock, no state. The label says what the adapter does next.
"""

import re
from functools import lru_cache

from states.rules_match import REMEMBERED, Rule, plain
from states.rules_telegram import HARMLESS, READS, TELEGRAM_TEXTS, WITHOUT_FILE
from states.rules_wire import wire_rule
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict

__all__ = ["classify_telegram_error"]

_text_rule = lru_cache(REMEMBERED)(TELEGRAM_TEXTS.find)
_ALBUM = re.compile(
    r"failed to send message #?\d+ with the error message [\"'“«]?(.+?)[\"'”»]?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ANSWERED = re.compile(
    r"(?:Telegram server says - |ETELEGRAM: |Description: |failed! \(\d{3}: "
    r"|telegram\.error\.(?:BadRequest|Forbidden|Conflict|InvalidToken|ChatMigrated): "
    r"|telegram\.error\.NetworkError: (?=[A-Z][\w ]+\(\d{3}\)))(.+)",
    re.DOTALL,
)
"""How bot libraries quote the server (aiogram, node, telebot, grammY, PTB): such a call was answered."""
_AFTER = re.compile(r" (?:retry after|retry in|wait of|flood wait|wait) ([0-9]{1,9})(?: ([0-9]{1,3}))? ?")
_OUR_BUG = re.compile(
    r" (?:type|key|value|attribute|index|name|assertion|import|unicode \w+|recursion|zero division|memory"
    r"|overflow|lookup|not implemented|unbound local|syntax) error | (?:unexpected|unsupported) keyword "
)
"""Names of python's own exceptions that are raised before anything is sent."""
_NUMBER = re.compile(r"^ ([1-5][0-9]{2}) ")
_STATUS_NAMES = {
    " bad request ": 400,
    " unauthorized ": 401,
    " forbidden ": 403,
    " not found ": 404,
    " conflict ": 409,
    " request entity too large ": 413,
    " too many requests ": 429,
    " internal server error ": 500,
    " bad gateway ": 502,
}
_DOWN_SURE = (ErrorClass.TRANSIENT, Reason.UNAVAILABLE, Label.TRANSIENT)
_SEND_LOST = (ErrorClass.AMBIGUOUS, Reason.SEND_UNKNOWN, Label.AMBIGUOUS)
_LOST_READ = (ErrorClass.TRANSIENT, Reason.NETWORK, Label.TRANSIENT)

_Told = tuple[ErrorClass, Reason, Label]

_TELEGRAM_CODES: dict[int, _Told] = {
    401: (ErrorClass.OPERATOR, Reason.PROVIDER_AUTH, Label.SYSTEM),
    403: (ErrorClass.PARKED, Reason.USER_GONE, Label.USER_GONE),
    404: (ErrorClass.OPERATOR, Reason.PROVIDER_AUTH, Label.SYSTEM),
    406: (ErrorClass.SYSTEM, Reason.UNKNOWN, Label.SYSTEM),
    409: (ErrorClass.SYSTEM, Reason.PROVIDER_ERROR, Label.SYSTEM),
    413: (ErrorClass.SYSTEM, Reason.VIDEO_REJECTED, Label.VIDEO_REJECTED),
    421: _DOWN_SURE,
    429: (ErrorClass.TRANSIENT, Reason.RATE_LIMITED, Label.TRANSIENT),
}


def classify_telegram_error(failure: Failure) -> Verdict:
    """The verdict on a call to the Telegram Bot API; its label says what the adapter does next.

    `failure.method` tells reads from sends: only a send whose answer was lost is ambiguous. The delay of a
    flood wait comes from the failure, else from its text. Never raises on odd texts.
    """
    answered = _ANSWERED.search(failure.exception)
    text = failure.message or failure.fail_message or (answered[1] if answered else "")
    album = _ALBUM.search(text)
    words = plain(album[1] if album else text) if text else ""
    told, rule = _telegram(failure, words, _quoted_status(plain(answered[1])) if answered else None)
    after_s = failure.retry_after_s
    if after_s is None and told[1] is Reason.RATE_LIMITED:
        after_s = _wait_in(words) or _wait_in(plain(failure.exception))
    return Verdict(told[0], told[1], rule, after_s, told[2])


def _quoted_status(words: str) -> int | None:
    """The status of an answer that a library quotes: by its number, else by its name."""
    number = _NUMBER.match(words)
    if number:
        return int(number[1])
    return next((status for name, status in _STATUS_NAMES.items() if words.startswith(name)), None)


def _telegram(failure: Failure, words: str, quoted: int | None) -> tuple[_Told, str]:
    status = _telegram_status(failure) or quoted
    if failure.migrate_to_chat_id is not None:
        return (ErrorClass.SYSTEM, Reason.BAD_RESPONSE, Label.CHAT_MOVED), "telegram.migrate"
    if status == 429 or (failure.retry_after_s is not None and status not in (None, 200)):
        return _TELEGRAM_CODES[429], "telegram.code.429"
    rule = _text_rule(words) if words else None
    if rule is not None and rule.label is not None:
        return _fitted(failure, rule, rule.label, words)
    if status in _TELEGRAM_CODES:
        return _TELEGRAM_CODES[status], f"telegram.code.{status}"
    if status is not None and status >= 500:
        return _server_error(failure, status, words)
    refused = status is not None and status >= 400 and bool(words)  # in words that no rule knows
    unheard = (failure.exception and quoted is None) or failure.may_have_arrived is not None
    if not refused and (unheard or (status is not None and status < 300)):
        return _unanswered(failure, status)
    name = "telegram.code.400" if status == 400 else "telegram.unknown"
    return (ErrorClass.SYSTEM, Reason.UNKNOWN, Label.SYSTEM), name


def _fitted(failure: Failure, rule: Rule, label: Label, words: str) -> tuple[_Told, str]:
    """A text rule's answer, where the method changes its meaning."""
    if label is Label.VIDEO_REJECTED and failure.method == "getFile":
        # The file is the user's own: over 20 MB a bot cannot fetch it.
        if " big " in words or " large " in words:
            return (ErrorClass.USER, Reason.IMAGE_TOO_LARGE, Label.USER_ERROR), "telegram.file_too_big"
        return _DOWN_SURE, rule.id
    if label is Label.VIDEO_REJECTED and failure.method.startswith(WITHOUT_FILE):
        return (ErrorClass.OPERATOR, Reason.BAD_REQUEST, Label.SYSTEM), "telegram.no_file_sent"
    return (rule.cls, rule.reason, label), rule.id


def _server_error(failure: Failure, status: int, words: str) -> tuple[_Told, str]:
    """5xx: the server's own JSON text says it was not done; a gateway's silence says nothing."""
    doubtful = failure.may_have_arrived or status == 504 or (status != 500 and not words.strip())
    if doubtful and failure.may_have_arrived is not False and _is_send(failure):
        return _SEND_LOST, f"telegram.code.{status}"
    return _DOWN_SURE, f"telegram.code.{status}"


def _unanswered(failure: Failure, status: int | None) -> tuple[_Told, str]:
    """No usable answer: the exception says whether the request can have been acted on."""
    rule = wire_rule(plain(failure.exception)) if failure.exception else None
    name = rule.id if rule else "telegram.unanswered"
    if failure.may_have_arrived is False:
        slow = rule is not None and rule.lost
        return (ErrorClass.TRANSIENT, Reason.SEND_TIMEOUT if slow else Reason.NETWORK, Label.TRANSIENT), name
    if rule is not None and not rule.lost:
        return (
            rule.cls,
            rule.reason,
            Label.TRANSIENT if rule.cls is ErrorClass.TRANSIENT else Label.SYSTEM,
        ), name
    if rule is None and not failure.may_have_arrived and status is None:
        words = plain(failure.exception)
        inner = _text_rule(words)
        if inner is not None and inner.label is not None:
            return _fitted(failure, inner, inner.label, words)
        if _OUR_BUG.search(words):
            return (ErrorClass.SYSTEM, Reason.UNKNOWN, Label.SYSTEM), "telegram.unknown"
    return (_SEND_LOST if _is_send(failure) else _LOST_READ), name


def _is_send(failure: Failure) -> bool:
    """Whether a repetition could make a second message, payment or file."""
    method = failure.method
    return not method.startswith(READS) and method not in HARMLESS


def _telegram_status(failure: Failure) -> int | None:
    """The body's code, which the server keeps equal to the HTTP status; a proxy gives only the latter."""
    if failure.code and failure.code.isascii() and failure.code.isdigit():
        return int(failure.code[:9])
    return failure.http_status


def _wait_in(words: str) -> float | None:
    found = _AFTER.search(words)
    return float(f"{found[1]}.{found[2] or 0}") if found else None
