"""What kind of trouble is it: the two entry points of the classifier. Pure: no IO, no clock, no state.

Order of evidence: what certainly happened on the wire, codes that leave no doubt, the inner failure message,
the envelope's text, the remaining codes. A text about the photo's content beats a 5xx code.
"""

import re

from states.rules_kie import CLEAR_CODES, KIE_TEXTS, SURE_CODES, VAGUE_CODES, WEAK, Said
from states.rules_match import Rule, plain
from states.rules_telegram import HARMLESS, READS, TELEGRAM_TEXTS, WITHOUT_FILE
from states.rules_wire import WIRE
from states.subjects import sober
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict

__all__ = ["classify_kie_error", "classify_telegram_error"]

_NOT_A_TEXT = frozenset({"", "success", "succeeded", "successful", "ok", "null", "none", "undefined"})
_SAYS_NOTHING = frozenset({"500", "501"})
"""Beside a text that no rule takes, these codes add nothing: it stays `unknown`, so that people see it."""
_OK_CODES = frozenset({"200", "0", "201", "202"})
_STATUS = re.compile(
    r" (?:status(?: code)?|http(?: status| error)?|error code|code|error|returned|with|upstream"
    r"|provider|server|backend|gateway|responded|answered|got|received|said"
    r"|[^ ]*(?:失败|错误|状态码|错误码|返回)) ([1-5][0-9]{2}) "
)
_LEADING = re.compile(r"^ ([1-5][0-9]{2,3}) ")
_LABELS = {
    ErrorClass.USER: Label.USER_ERROR,
    ErrorClass.TRANSIENT: Label.TRANSIENT,
    ErrorClass.AMBIGUOUS: Label.TRANSIENT,
    ErrorClass.PARKED: Label.USER_GONE,
}


def classify_kie_error(failure: Failure) -> Verdict:
    """The verdict on a call to KIE (upload, create, poll, download) or on a task it reports as failed.

    Never raises on odd texts. A text that no rule takes is `unknown`, class system, rule `kie.unknown`.
    """
    said, rule_id, lost = _judge(failure)
    if failure.step == "create" and _fate_unknown(failure, *said, lost=lost):
        said, rule_id = (ErrorClass.AMBIGUOUS, Reason.CREATE_UNKNOWN), "kie.create_unknown"
    elif failure.step == "download" and said[0] is ErrorClass.USER:
        said = (ErrorClass.SYSTEM, Reason.BAD_RESPONSE)  # a finished video is nobody's photo
    elif failure.step == "download" and said[1] is Reason.MODEL_RETIRED:
        said = (ErrorClass.SYSTEM, Reason.BAD_RESPONSE)  # a file that is gone says nothing of the model
    elif failure.step not in {"create", "poll"} and said[1] is Reason.RENDER_TIMEOUT:
        said = (ErrorClass.TRANSIENT, Reason.NETWORK)
    return Verdict(said[0], said[1], rule_id, failure.retry_after_s, _LABELS.get(said[0], Label.SYSTEM))


_Judged = tuple[Said, str, bool]
"""Class and reason, the rule's id, whether the wording is that of a call whose answer never came."""

_UNKNOWN: _Judged = ((ErrorClass.SYSTEM, Reason.UNKNOWN), "kie.unknown", False)


def _judge(failure: Failure) -> _Judged:
    """The verdict before asking whether a create may have arrived."""
    code, fail_code = failure.code, failure.fail_code
    for sure in (fail_code, code, str(failure.http_status)):
        if sure in SURE_CODES:
            return SURE_CODES[sure], f"kie.code.{sure}", False
    if failure.exception and not failure.fail_message and code is None:
        wire = WIRE.find(plain(failure.exception))
        if wire and (failure.http_status is None or failure.http_status < 300):
            return _taken(wire)
    inner = _said(fail_code, failure.fail_message)
    outer = _said(code, failure.message)
    weak: Rule | None = None
    for words in (inner, outer):
        rule = _read(words) if words else None
        if rule is not None:
            if rule.id not in WEAK:
                return _taken(rule)
            weak = weak or rule
    return _by_code(failure, inner, outer, weak)


def _read(words: str) -> Rule | None:
    """The rule that takes the text. Who blames the user must also find it when machinery is read as such."""
    rule = KIE_TEXTS.find(words)
    if rule is None or rule.cls is not ErrorClass.USER:
        return rule
    plainly = sober(words, rule.reason)
    return rule if plainly == words else KIE_TEXTS.find(plainly)


def _by_code(failure: Failure, inner: str, outer: str, weak: Rule | None) -> _Judged:
    """Codes, from the innermost out; then the weak rule; then what the exception's own text says."""
    status = str(failure.http_status)
    codes = (failure.fail_code, _status_in(inner), failure.code, _status_in(outer), status)
    for code in codes:
        if code in CLEAR_CODES:
            return CLEAR_CODES[code], f"kie.code.{code}", code in ("408", "504", "524", "520", "522")
    if weak is not None:
        return _taken(weak)
    for code in codes:
        if code in VAGUE_CODES and not (code in _SAYS_NOTHING and (inner or outer)):
            return VAGUE_CODES[code], f"kie.code.{code}", False
    if failure.exception:
        outer = plain(failure.exception)
        rule = _read(outer)
        if rule is not None:
            return _taken(rule)
    wire = WIRE.find(outer) if outer else None
    if wire is not None:
        return _taken(wire)
    return _by_shape(failure, inner, outer)


def _by_shape(failure: Failure, inner: str, outer: str) -> _Judged:
    """An answer that claims success and was still handed in as a failure."""
    if failure.fail_message.strip().lower() == "success":
        # KIE reports "fail: success" while a task still runs (seen in production): keep watching it.
        return (ErrorClass.TRANSIENT, Reason.UNAVAILABLE), "kie.fail_success", False
    unread = failure.code is None and failure.http_status == 200
    if not inner and (unread or (failure.code in _OK_CODES and not outer)):
        return (ErrorClass.SYSTEM, Reason.BAD_RESPONSE), "kie.no_result", False
    return _UNKNOWN


def _taken(rule: Rule) -> _Judged:
    return (rule.cls, rule.reason), rule.id, rule.lost


def _said(code: str | None, text: str) -> str:
    """Plain words of a text, led by its code when that is a word; empty when nothing was said."""
    words = "" if text.strip().lower() in _NOT_A_TEXT else text
    if code and not code.isdigit():
        words = f"{code}\n{words}"
    return plain(words) if words else ""


def _status_in(words: str) -> str | None:
    found = _STATUS.search(words) or _LEADING.match(words) if words else None
    return found[1] if found else None


def _fate_unknown(failure: Failure, cls: ErrorClass, reason: Reason, *, lost: bool) -> bool:
    """True when a create call may have made a task that we do not know of."""
    if failure.may_have_arrived is False or cls in (ErrorClass.USER, ErrorClass.OPERATOR):
        return False
    if failure.may_have_arrived:
        return True
    status = failure.http_status
    if reason is Reason.RATE_LIMITED:
        return False
    if failure.code is None or failure.code in _OK_CODES:
        answered_ok = failure.code in _OK_CODES or (status is not None and 200 <= status < 300)
        refused = status is not None and 400 <= status < 500 and status != 408
        return not refused and (lost or answered_ok or (status is not None and status >= 500))
    return False


_ALBUM = re.compile(
    r"failed to send message #?\d+ with the error message [\"'“«]?(.+?)[\"'”»]?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ANSWERED = re.compile(
    r"(?:Telegram server says - |ETELEGRAM: |Description: |failed! \(\d{3}: "
    r"|telegram\.error\.(?:BadRequest|Forbidden|Conflict|InvalidToken|ChatMigrated): )(.+)",
    re.DOTALL,
)
"""How bot libraries quote the server (aiogram, node, telebot, grammY, PTB): such a call was answered."""
_AFTER = re.compile(r" (?:retry after|retry in|wait of|flood wait|wait) ([0-9]{1,9})(?: ([0-9]{1,3}))? ?")
_OUR_BUG = re.compile(
    r" (?:type|key|value|attribute|index|name|assertion|import|unicode \w+|recursion|zero division|memory"
    r"|overflow|lookup|not implemented|unbound local|syntax) error | (?:unexpected|unsupported) keyword "
)
"""Names of python's own exceptions that are raised before anything is sent."""
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
    number = _LEADING.match(words)
    if number and len(number[1]) == 3:
        return int(number[1])
    return next((status for name, status in _STATUS_NAMES.items() if words.startswith(name)), None)


def _telegram(failure: Failure, words: str, quoted: int | None) -> tuple[_Told, str]:
    status = _telegram_status(failure) or quoted
    if failure.migrate_to_chat_id is not None:
        return (ErrorClass.SYSTEM, Reason.BAD_RESPONSE, Label.CHAT_MOVED), "telegram.migrate"
    if status == 429 or (failure.retry_after_s is not None and status not in (None, 200)):
        return _TELEGRAM_CODES[429], "telegram.code.429"
    rule = TELEGRAM_TEXTS.find(words) if words else None
    if rule is not None and rule.label is not None:
        return _fitted(failure, rule, rule.label)
    if status in _TELEGRAM_CODES:
        return _TELEGRAM_CODES[status], f"telegram.code.{status}"
    if status is not None and status >= 500:
        return _server_error(failure, status, words)
    unheard = failure.exception and quoted is None
    if unheard or failure.may_have_arrived is not None or (status is not None and status < 300):
        return _unanswered(failure, status)
    if status == 400:
        return (ErrorClass.SYSTEM, Reason.UNKNOWN, Label.SYSTEM), "telegram.code.400"
    return (ErrorClass.SYSTEM, Reason.UNKNOWN, Label.SYSTEM), "telegram.unknown"


def _fitted(failure: Failure, rule: Rule, label: Label) -> tuple[_Told, str]:
    """A text rule's answer, where the method changes its meaning."""
    if label is Label.VIDEO_REJECTED and failure.method == "getFile":
        # The file is the user's own: over 20 MB a bot cannot fetch it.
        if "big" in failure.message.lower() or "large" in failure.message.lower():
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
    rule = WIRE.find(plain(failure.exception)) if failure.exception else None
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
        inner = TELEGRAM_TEXTS.find(words)
        if inner is not None and inner.label is not None:
            return _fitted(failure, inner, inner.label)
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
