"""What kind of trouble is it: the two entry points of the classifier. Pure: no IO, no clock, no state.

Order of evidence: what certainly happened on the wire, codes that leave no doubt, the inner failure message,
the envelope's text, the remaining codes. A text about the photo's content beats a 5xx code.
"""

import re
from functools import lru_cache

from states.classify_telegram import classify_telegram_error
from states.rules_kie import CLEAR_CODES, KIE_TEXTS, SURE_CODES, VAGUE_CODES, WEAK, Said
from states.rules_match import REMEMBERED, Rule, plain
from states.rules_wire import wire_rule
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
        words = plain(failure.exception)
        answered = _status_in(words)  # a client that raises for a status quotes it: that call was answered
        if answered in SURE_CODES:
            return SURE_CODES[answered], f"kie.code.{answered}", False
        wire = None if answered in CLEAR_CODES or answered in VAGUE_CODES else wire_rule(words)
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


@lru_cache(REMEMBERED)
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
    thrown = _status_in(plain(failure.exception)) if failure.exception else None
    codes = (failure.fail_code, _status_in(inner), failure.code, _status_in(outer), status, thrown)
    for code in codes:
        if code in CLEAR_CODES:
            unheard = code in ("408", "504", "524", "520", "522") or (code == thrown and code.startswith("5"))
            return CLEAR_CODES[code], f"kie.code.{code}", unheard
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
    wire = wire_rule(outer) if outer else None
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
