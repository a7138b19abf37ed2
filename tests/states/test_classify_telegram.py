import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.classify import classify_telegram_error
from states.rules_match import plain
from states.rules_telegram import TELEGRAM_RULES, TELEGRAM_TEXTS
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict
from tests.states.observed import NAMES, observed, wrong


def told(message: str = "", method: str = "sendVideo", status: int | None = None, **facts: object) -> Verdict:
    code = None if status is None else str(status)
    failure = Failure("telegram", "send", method, status, code, message=message, **facts)  # type: ignore[arg-type]
    return classify_telegram_error(failure)


@pytest.mark.parametrize("name", ["telegram", "telegram_more", "telegram_fresh"])
def test_labels_of_real_observations(name: str) -> None:
    assert len(wrong(name)) <= 0.05 * len(observed(name)), wrong(name)


@pytest.mark.parametrize("rule", [rule.id for rule in TELEGRAM_RULES])
def test_every_text_rule_has_an_observation_it_decides(rule: str) -> None:
    assert any(item.verdict.rule == rule and item.fine for name in NAMES for item in observed(name))


@pytest.mark.parametrize("method", ["sendVideo", "editMessageMedia", "sendMessage", "sendDocument", ""])
@pytest.mark.parametrize(
    "exception",
    [
        "TelegramNetworkError: HTTP Client says - Request timeout error",
        "aiohttp.client_exceptions.ServerDisconnectedError: Server disconnected",
        "TelegramNetworkError <- aiohttp.SocketTimeoutError: Timeout on reading data from socket",
        "SomethingNewError: nobody has seen this",
    ],
)
def test_a_send_whose_answer_is_lost_is_ambiguous(method: str, exception: str) -> None:
    verdict = told(method=method, exception=exception)
    assert (verdict.cls, verdict.reason, verdict.label) == (
        ErrorClass.AMBIGUOUS,
        Reason.SEND_UNKNOWN,
        Label.AMBIGUOUS,
    )


@pytest.mark.parametrize("method", ["getUpdates", "getFile", "getMe"])
def test_a_read_whose_answer_is_lost_is_repeated(method: str) -> None:
    assert told(method=method, exception="Request timeout error").cls is ErrorClass.TRANSIENT


def test_surely_not_sent_wins_over_a_timeout() -> None:
    verdict = told(exception="Request timeout error", may_have_arrived=False)
    assert (verdict.cls, verdict.reason) == (ErrorClass.TRANSIENT, Reason.SEND_TIMEOUT)
    refused = told(
        exception="Request timeout error <- aiohttp.ConnectionTimeoutError: Connection timeout to host"
    )
    assert (refused.cls, refused.reason) == (ErrorClass.TRANSIENT, Reason.NETWORK)


def test_a_message_deleted_at_once_was_sent() -> None:
    text = "Internal Server Error: sent message was immediately deleted and can't be returned"
    assert told(text, status=500).cls is ErrorClass.AMBIGUOUS


def test_an_album_hides_the_real_error() -> None:
    text = 'Bad Request: failed to send message #3 with the error message "Too Many Requests: retry after 17"'
    verdict = told(text, "sendMediaGroup", 400)
    assert (verdict.reason, verdict.retry_after_s) == (Reason.RATE_LIMITED, 17)


@pytest.mark.parametrize(
    ("facts", "after_s"),
    [
        ({"message": "Too Many Requests: retry after 34", "status": 429}, 34),
        ({"message": "Too Many Requests: retry after 34", "status": 429, "retry_after_s": 60.0}, 60),
        ({"exception": "Flood control exceeded. Retry in 21 seconds"}, 21),
        ({"message": "Bad Request: FLOOD_WAIT_12", "status": 400}, 12),
        ({"status": 429}, None),
    ],
)
def test_the_flood_wait_is_found(facts: dict[str, object], after_s: float | None) -> None:
    verdict = told(**facts)  # type: ignore[arg-type]
    assert (verdict.reason, verdict.retry_after_s) == (Reason.RATE_LIMITED, after_s)


def test_the_new_chat_id_says_moved() -> None:
    assert told("whatever", status=400, migrate_to_chat_id=-100).label is Label.CHAT_MOVED


def test_a_file_too_big_is_the_users_only_when_it_came_from_them() -> None:
    assert told("Bad Request: file is too big", "getFile", 400).label is Label.USER_ERROR
    assert told("Bad Request: file is too big", "sendVideo", 400).label is Label.VIDEO_REJECTED


def test_a_blocked_bot_is_parked_not_blamed() -> None:
    verdict = told("Forbidden: bot was blocked by the user", status=403)
    assert (verdict.cls, verdict.reason, verdict.label) == (
        ErrorClass.PARKED,
        Reason.USER_GONE,
        Label.USER_GONE,
    )


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.PROVIDER_AUTH), (404, Reason.PROVIDER_AUTH)])
def test_a_dead_token_is_the_operators(status: int, reason: Reason) -> None:
    verdict = told("Not Found" if status == 404 else "Unauthorized", status=status)
    assert (verdict.cls, verdict.reason, verdict.label) == (ErrorClass.OPERATOR, reason, Label.SYSTEM)


def test_a_text_nobody_knows_is_unknown() -> None:
    verdict = told("Bad Request: strange new text", status=400)
    assert (verdict.cls, verdict.reason) == (ErrorClass.SYSTEM, Reason.UNKNOWN)


@pytest.mark.parametrize(
    ("exception", "label"),
    [
        ("Error: ETELEGRAM: 400 Bad Request: nobody has seen this", Label.SYSTEM),
        ("Error: ETELEGRAM: 502 Bad Gateway", Label.TRANSIENT),
        ("telegram.error.Forbidden: Forbidden: nobody has seen this", Label.USER_GONE),
        ("telegram.error.NetworkError: Request Entity Too Large (413)", Label.VIDEO_REJECTED),
        ("TelegramBadRequest: Telegram server says - Bad Request: Message cant be edited", Label.STALE),
    ],
)
def test_an_answer_that_a_library_quotes_was_an_answer(exception: str, label: Label) -> None:
    assert told(exception=exception).label is label


def test_a_users_file_that_is_too_big_is_theirs_in_an_exception_too() -> None:
    said = "TelegramBadRequest: Telegram server says - Bad Request: file is too big"
    assert told(method="getFile", exception=said).label is Label.USER_ERROR


@pytest.mark.parametrize(
    "exception",
    [
        "builtins.MemoryError",
        "OSError: [Errno 24] Too many open files",
        "OSError: [Errno 28] No space left on device",
        "aiogram.exceptions.UnsupportedKeywordArgument: got an unexpected keyword argument",
        "pydantic_core.ValidationError: 1 validation error for SendMessage",
    ],
)
def test_what_broke_before_anything_was_sent_is_ours(exception: str) -> None:
    assert told(exception=exception).label is Label.SYSTEM


def test_our_own_exception_is_not_a_lost_send() -> None:
    assert (
        told(exception="builtins.AttributeError: 'NoneType' object has no attribute 'x'").cls
        is ErrorClass.SYSTEM
    )


@given(
    message=st.text(max_size=200),
    exception=st.text(max_size=200),
    method=st.text(max_size=20),
    status=st.none() | st.integers(-1, 10**12),
    arrived=st.none() | st.booleans(),
)
def test_no_text_makes_it_raise(
    message: str, exception: str, method: str, status: int | None, arrived: bool | None
) -> None:
    verdict = told(message, method, status, exception=exception, may_have_arrived=arrived)
    assert isinstance(verdict.label, Label)


@given(text=st.text(max_size=200) | st.sampled_from([rule.phrases[0] for rule in TELEGRAM_RULES]))
def test_the_index_agrees_with_the_full_scan(text: str) -> None:
    words = plain(text)
    assert TELEGRAM_TEXTS.find(words) == TELEGRAM_TEXTS.scan(words)
