import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.classify import classify_kie_error, classify_telegram_error
from states.observations import answer, kie_failure, telegram_failure
from states.vocabulary import ErrorClass, Label, Reason, Verdict

SIX = ["id", "label", "class", "reason", "rule", "retry_after_s"]


def test_a_recorded_task_failure() -> None:
    data = {"state": "fail", "failCode": 422, "failMsg": "flagged"}
    failure = kie_failure(
        {"stage": "poll", "http_status": 200, "body": {"code": 200, "msg": "success", "data": data}}
    )
    assert (failure.step, failure.http_status, failure.code) == ("poll", 200, "200")
    assert (failure.fail_code, failure.fail_message, failure.message) == ("422", "flagged", "success")


@pytest.mark.parametrize(
    ("body", "fail_code", "fail_message"),
    [
        (
            {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}},
            "1026",
            "input new_sensitive",
        ),
        ({"data": {"successFlag": 3, "errorCode": 400, "errorMessage": "no"}}, "400", "no"),
        (
            {"detail": [{"msg": "Image too small", "type": "image_too_small"}]},
            "image_too_small",
            "Image too small",
        ),
        ({"error": {"code": "a", "message": "b"}}, "a", "b"),
        ({"output": {"code": "DataInspectionFailed", "message": "m"}}, "DataInspectionFailed", "m"),
        ({"failure": "f", "failureCode": "SAFETY.INPUT.IMAGE"}, "SAFETY.INPUT.IMAGE", "f"),
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, None, "PROHIBITED_CONTENT"),
    ],
)
def test_the_inner_failure_of_many_upstreams(body: object, fail_code: str | None, fail_message: str) -> None:
    failure = kie_failure({"body": body})
    assert (failure.fail_code, failure.fail_message) == (fail_code, fail_message)


@pytest.mark.parametrize("result", ["{}", "", '{"resultUrls":[]}', None])
def test_success_without_a_result_is_a_bad_response(result: str | None) -> None:
    body = {"code": 200, "msg": "success", "data": {"state": "success", "resultJson": result}}
    assert classify_kie_error(kie_failure({"stage": "poll", "body": body})).reason is Reason.BAD_RESPONSE


def test_an_unknown_state_is_a_bad_response() -> None:
    body = {"code": 200, "data": {"state": "взорвалось"}}
    assert classify_kie_error(kie_failure({"body": body})).reason is Reason.BAD_RESPONSE


def test_the_users_prompt_is_never_looked_at() -> None:
    data = {
        "state": "fail",
        "failCode": "500",
        "failMsg": "internal error",
        "param": '{"prompt":"nsfw nude"}',
    }
    assert classify_kie_error(kie_failure({"body": {"data": data}})).cls is ErrorClass.SYSTEM


@given(
    prompt=st.text(max_size=60)
    | st.sampled_from(["nsfw nude", "rate limit", "401 unauthorized", "image too dark"])
)
def test_an_echoed_prompt_changes_nothing(prompt: str) -> None:
    data = {"state": "fail", "failCode": "500", "failMsg": "Flux capacitor misaligned"}
    param = json.dumps({"model": "sora", "input": json.dumps({"prompt": prompt})})
    for echo in (
        {"param": param},
        {"param": {"input": {"prompt": prompt}}},
        {"prompt": prompt},
        {"input": prompt},
    ):
        body = {"code": 501, "msg": "Playground task failed.", "data": {**data, **echo}}
        assert kie_failure({"body": body}) == kie_failure({"body": {**body, "data": data}})


@pytest.mark.parametrize("key", ["err_code", "ErrCode", "errCode", "error-code", "failure_code"])
def test_a_key_is_read_however_it_is_written(key: str) -> None:
    assert kie_failure({"body": {"state": "failed", key: "SystemThrottling"}}).fail_code == "SystemThrottling"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("generating", Reason.UNAVAILABLE),
        ("THROTTLED", Reason.RATE_LIMITED),
        ("Content Moderated", Reason.CONTENT_POLICY),
        ("exploded", Reason.BAD_RESPONSE),
    ],
)
def test_a_state_without_a_text_is_read_as_one(state: str, reason: Reason) -> None:
    assert classify_kie_error(kie_failure({"body": {"id": "1", "status": state}})).reason is reason


def test_a_message_beside_a_body_that_says_nothing_is_read() -> None:
    body = {"code": 200, "msg": "success", "data": {"state": "fail"}}
    assert (
        classify_kie_error(kie_failure({"body": body, "message": "queue is full"})).reason
        is Reason.OVERLOADED
    )


def test_the_innermost_failure_is_the_one_that_counts() -> None:
    inner = {
        "error": {
            "code": "OutputVideoSensitiveContentDetected",
            "message": "may contain sensitive information",
        }
    }
    body = {"code": "success", "data": {"status": "FAILURE", "fail_reason": "task failed", "data": inner}}
    assert classify_kie_error(kie_failure({"body": body})).reason is Reason.CONTENT_POLICY


def test_a_validation_text_is_led_by_its_field() -> None:
    detail = [
        {"loc": ["body", "prompt"], "msg": "String should have at most 2500 characters", "type": "too_long"}
    ]
    assert classify_kie_error(kie_failure({"body": {"detail": detail}})).reason is Reason.PROMPT_REJECTED


def test_labels_and_comments_are_never_looked_at() -> None:
    row = {
        "stage": "poll",
        "expected": "user_error",
        "reason": "nsfw",
        "why": "nsfw",
        "accept": ["user_gone"],
    }
    assert classify_kie_error(kie_failure(row)).rule == "kie.unknown"
    assert classify_telegram_error(telegram_failure(row)).rule == "telegram.unknown"


def test_an_html_page_is_a_text() -> None:
    failure = kie_failure({"http_status": 403, "body": "<html>Access denied. error code: 1010</html>"})
    assert classify_kie_error(failure).reason is Reason.BAD_REQUEST


def test_a_telegram_line() -> None:
    row = {"method": "sendVideo", "error_code": 429, "description": "d", "parameters": {"retry_after": 3}}
    failure = telegram_failure(row)
    assert (failure.method, failure.code, failure.message, failure.retry_after_s) == (
        "sendVideo",
        "429",
        "d",
        3.0,
    )


def test_the_answer_has_exactly_six_keys() -> None:
    verdict = Verdict(ErrorClass.USER, Reason.NO_PRODUCT, "kie.text.no_product", 1.5, Label.USER_ERROR)
    line = answer("x", verdict)
    assert list(line) == SIX
    assert list(line.values()) == ["x", "user_error", "user", "no_product", "kie.text.no_product", 1.5]


KEYS = (
    *(
        "code",
        "msg",
        "data",
        "error",
        "errors",
        "state",
        "failMsg",
        "failCode",
        "detail",
        "loc",
        "successFlag",
        "type",
    ),
    *(
        "base_resp",
        "status_msg",
        "output",
        "candidates",
        "finishReason",
        "resultJson",
        "param",
        "status",
        "reason",
    ),
)
LONG = ("word " * 40_000, "<" * 60_000, "{" * 60_000, "é" * 50_000, "n t " * 9_000, "a_B-" * 9_000)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from((*LONG, "500", "-1", "1e9", " 422 ", "success", 10**30, "\ud800")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
FIELDS = [
    "id",
    "stage",
    "http_status",
    "body",
    "exception",
    "message",
    "method",
    "error_code",
    "description",
    "parameters",
]


@given(row=st.dictionaries(st.sampled_from(FIELDS), JUNK))
def test_odd_types_never_make_it_raise(row: dict[str, object]) -> None:
    kie, telegram = classify_kie_error(kie_failure(row)), classify_telegram_error(telegram_failure(row))
    assert kie.label in (Label.USER_ERROR, Label.TRANSIENT, Label.SYSTEM)
    for verdict in (kie, telegram):
        assert json.dumps(answer(1, verdict))
        assert isinstance(verdict.cls, ErrorClass)
        assert isinstance(verdict.reason, Reason)
        assert isinstance(verdict.label, Label)
