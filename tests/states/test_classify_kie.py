import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.classify import classify_kie_error
from states.rules_kie import KIE_RULES, KIE_TEXTS
from states.rules_match import build, plain
from states.rules_wire import WIRE, WIRE_RULES
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict
from tests.states.observed import NAMES, observed, wrong

REASONS = {
    "copyright": "protected_brand",
    "provider_billing": "provider_balance",
    "model_gone": "model_retired",
    "bad_request_ours": "bad_request",
    "provider_bug": "provider_error",
    "timeout": "render_timeout",
    "bad_image": "invalid_image",
    "prompt_too_long": "prompt_rejected",
}


def kie(message: str = "", step: str = "poll", **facts: object) -> Verdict:
    return classify_kie_error(Failure("kie", step, message=message, **facts))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["kie", "kie_more", "kie_fresh"])
def test_labels_of_real_observations(name: str) -> None:
    assert len(wrong(name)) <= 0.03 * len(observed(name)), wrong(name)


@pytest.mark.parametrize("name", ["kie", "kie_more", "kie_fresh"])
def test_nobody_elses_fault_is_put_on_the_user(name: str) -> None:
    blamed = [
        item.row["id"] for item in observed(name) if not item.fine and item.verdict.label is Label.USER_ERROR
    ]
    assert blamed == []


def test_reasons_of_real_observations() -> None:
    odd = [
        (item.row["id"], str(item.verdict.reason))
        for item in observed("kie")
        if item.verdict.reason not in (REASONS.get(item.row["reason"], item.row["reason"]), "create_unknown")
    ]
    assert len(odd) <= 3, odd


@pytest.mark.parametrize("rule", [rule.id for rule in (*KIE_RULES, *WIRE_RULES)])
def test_every_text_rule_has_an_observation_it_decides(rule: str) -> None:
    assert any(item.verdict.rule == rule and item.fine for name in NAMES for item in observed(name))


def test_rule_ids_are_unique() -> None:
    ids = [rule.id for rule in (*KIE_RULES, *WIRE_RULES)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NAMES)
def test_the_index_hides_no_rule(name: str) -> None:
    for item in observed(name):
        for text in (item.failure.message, item.failure.fail_message, item.failure.exception):
            words = plain(text)
            assert KIE_TEXTS.find(words) == KIE_TEXTS.scan(words)
            assert WIRE.find(words) == WIRE.scan(words)


def test_a_phrase_that_cannot_be_indexed_is_refused() -> None:
    rule = KIE_RULES[0]
    for phrase in ("@(ab~|image)", "(the )?@cd~", "too..dark", "(the |a )?"):
        with pytest.raises(ValueError, match="phrase"):
            build((type(rule)("x", rule.cls, rule.reason, (phrase,)),), {})


def test_codes_and_camel_case_are_read_as_words() -> None:
    assert (
        plain("CONTENT_POLICY_BLOCKED: InputImage, task-id 42")
        == " content policy blocked input image task id 42 "
    )


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Sora 2 is overloaded", Label.TRANSIENT),
        ("response content truncated", Label.SYSTEM),
        ("photos could not be loaded", Label.TRANSIENT),
        ("human-readable id is missing", Label.SYSTEM),
        ("moderation service unavailable (503)", Label.TRANSIENT),
        ("failed to generate", Label.SYSTEM),
        ("Failed to get user token", Label.SYSTEM),
        ("Account flagged for unusual activity", Label.SYSTEM),
        ("API key blocked for violating usage policy", Label.SYSTEM),
        ("safety_tolerance must be between 1 and 6", Label.SYSTEM),
        ("Content-Length mismatch", Label.SYSTEM),
        ("error code: 1010", Label.SYSTEM),
        ("minor error in the child process", Label.SYSTEM),
        ("case sensitive path", Label.SYSTEM),
    ],
)
def test_words_that_only_look_like_a_refusal(text: str, label: Label) -> None:
    assert kie(text).label is label


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "The input or output was flagged as sensitive. Please try again with different inputs.",
            Reason.CONTENT_POLICY,
        ),
        ("Фото слишком тёмное", Reason.IMAGE_TOO_DARK),
        ("Изображение размыто", Reason.IMAGE_BLURRY),
        ("На фото не найден товар", Reason.NO_PRODUCT),
        ("Обнаружен контент для взрослых", Reason.ADULT_CONTENT),
        ("Контент нарушает правила сервиса", Reason.CONTENT_POLICY),
        ("图片太暗，请重新上传", Reason.IMAGE_TOO_DARK),
        ("图片模糊", Reason.IMAGE_BLURRY),
        ("未检测到商品主体", Reason.NO_PRODUCT),
        ("输入图片包含真人，不支持", Reason.REAL_PERSON),
        ("提示词包含敏感词", Reason.PROMPT_REJECTED),
    ],
)
def test_the_users_photo_and_wishes(text: str, reason: Reason) -> None:
    verdict = kie(text)
    assert (verdict.cls, verdict.reason) == (ErrorClass.USER, reason)


def test_a_refusal_beats_a_server_error_code() -> None:
    said = "We do not support uploads of images containing photorealistic people."
    verdict = kie("Playground task failed.", code="501", fail_code="500", fail_message=said)
    assert (verdict.cls, verdict.reason) == (ErrorClass.USER, Reason.REAL_PERSON)
    assert kie("Inappropriate content, please try another prompt.", http_status=500).cls is ErrorClass.USER


def test_the_inner_message_beats_a_root_that_says_success() -> None:
    refused = kie("success", code="200", fail_code="422", fail_message="This may violate our guardrails.")
    assert refused.label is Label.USER_ERROR
    limited = kie("success", code="200", fail_code="429", fail_message="")
    assert (limited.cls, limited.reason) == (ErrorClass.TRANSIENT, Reason.RATE_LIMITED)


def test_failed_with_the_text_success_is_still_running() -> None:
    assert kie("success", code="200", fail_message="success").cls is ErrorClass.TRANSIENT


@pytest.mark.parametrize("code", ["401", "402", "433"])
def test_our_key_and_our_money_are_never_the_users_fault(code: str) -> None:
    verdict = kie("Content blocked: inappropriate image", "create", code=code)
    assert (verdict.cls, verdict.rule) == (ErrorClass.OPERATOR, f"kie.code.{code}")


def test_a_text_nobody_knows_is_unknown() -> None:
    verdict = kie("Flux capacitor misaligned", code="422")
    assert (verdict.cls, verdict.reason, verdict.rule) == (ErrorClass.SYSTEM, Reason.UNKNOWN, "kie.unknown")


@pytest.mark.parametrize(
    "facts",
    [
        {"exception": "httpx.ReadTimeout: "},
        {"exception": "httpx.RemoteProtocolError: Server disconnected without sending a response."},
        {"exception": "httpx.ReadError: [Errno 104] Connection reset by peer"},
        {"exception": "The operation was aborted due to timeout"},
        {"http_status": 524, "message": "error code: 524"},
        {"http_status": 502, "message": "<html>502 Bad Gateway</html>"},
        {"http_status": 500, "message": ""},
        {"http_status": 200, "code": "200", "message": "success"},
        {"http_status": 200, "code": "200", "message": "Server exception, please try again later"},
        {"http_status": 200, "exception": "json.decoder.JSONDecodeError: Expecting value"},
        {"may_have_arrived": True},
    ],
)
def test_a_create_without_an_answer_may_have_made_a_task(facts: dict[str, object]) -> None:
    verdict = classify_kie_error(Failure("kie", "create", **facts))  # type: ignore[arg-type]
    assert (verdict.cls, verdict.reason, verdict.label) == (
        ErrorClass.AMBIGUOUS,
        Reason.CREATE_UNKNOWN,
        Label.TRANSIENT,
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"exception": "httpx.ConnectError: [Errno 111] Connection refused"},
        {"exception": "httpx.ConnectTimeout: timed out"},
        {"exception": "getaddrinfo EAI_AGAIN api.kie.ai"},
        {"exception": "httpx.ReadTimeout", "may_have_arrived": False},
        {"exception": "httpx.PoolTimeout"},
    ],
)
def test_a_create_that_was_surely_not_sent_is_repeated(facts: dict[str, object]) -> None:
    verdict = classify_kie_error(Failure("kie", "create", **facts))  # type: ignore[arg-type]
    assert (verdict.cls, verdict.reason) == (ErrorClass.TRANSIENT, Reason.NETWORK)


@pytest.mark.parametrize(
    ("code", "message", "cls"),
    [
        ("500", "Server Error - An unexpected error occurred", ErrorClass.SYSTEM),
        ("503", "The server is currently being maintained, please try again later~", ErrorClass.TRANSIENT),
        ("408", "Upstream timed out", ErrorClass.TRANSIENT),
        ("429", "", ErrorClass.TRANSIENT),
    ],
)
def test_an_envelope_that_refuses_a_create_made_no_task(code: str, message: str, cls: ErrorClass) -> None:
    assert kie(message, "create", code=code, http_status=200).cls is cls


@pytest.mark.parametrize("code", ["500", "501", "422", "400", None])
def test_a_new_text_is_shown_as_unknown_whatever_generic_code_is_beside_it(code: str | None) -> None:
    verdict = kie(
        "success", code="200", http_status=200, fail_code=code, fail_message="Flux capacitor misaligned"
    )
    assert verdict.rule == "kie.unknown"
    assert kie("success", code="200", http_status=200, fail_code="500").reason is Reason.PROVIDER_ERROR


@pytest.mark.parametrize(
    "text",
    [
        "the result is larger than 50000000 bytes",
        "refused to download from host evil.example",
        "file too large",
    ],
)
def test_a_download_is_never_the_users_fault(text: str) -> None:
    assert kie(text, "download").label is not Label.USER_ERROR


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_gone_says_nothing_of_the_model(status: int) -> None:
    verdict = kie("", "download", http_status=status)
    assert verdict.reason is not Reason.MODEL_RETIRED


@pytest.mark.parametrize(
    ("exception", "reason"),
    [
        (
            "httpx.HTTPStatusError: Client error '401 Unauthorized' for url 'https://api.kie.ai'",
            Reason.PROVIDER_AUTH,
        ),
        (
            "httpx.HTTPStatusError: Server error '503 Service Unavailable' for url 'https://x'",
            Reason.UNAVAILABLE,
        ),
        ("httpx.ReadError: [Errno 104] Connection reset by peer", Reason.NETWORK),
    ],
)
def test_a_status_that_an_exception_quotes_was_answered(exception: str, reason: Reason) -> None:
    assert kie(exception=exception).reason is reason


def test_a_create_whose_exception_quotes_a_gateways_status_may_have_made_a_task() -> None:
    verdict = kie(
        "", "create", exception="httpx.HTTPStatusError: Server error '502 Bad Gateway' for url 'https://x'"
    )
    assert verdict.reason is Reason.CREATE_UNKNOWN


def test_plurals_of_short_names_and_bare_contractions_are_words() -> None:
    assert plain("GIFs from URLs, IDs of GPUs") == " gifs from urls ids of gpus "
    assert plain("It cant, doesnt and wont") == " it can t does not and will not "
    assert plain("a different accent") == " a different accent "


def test_the_providers_delay_is_kept() -> None:
    assert kie("Too many requests", http_status=429, retry_after_s=7.5).retry_after_s == 7.5


ANYTHING = st.one_of(st.text(max_size=300), st.sampled_from([rule.phrases[0] for rule in KIE_RULES]))


@given(message=ANYTHING, inner=ANYTHING, exception=ANYTHING, code=st.none() | st.text(max_size=8))
def test_no_text_makes_it_raise(message: str, inner: str, exception: str, code: str | None) -> None:
    failure = Failure(
        "kie", "create", code=code, fail_code=code, message=message, fail_message=inner, exception=exception
    )
    assert classify_kie_error(failure).label in (Label.USER_ERROR, Label.TRANSIENT, Label.SYSTEM)


@given(text=ANYTHING)
def test_the_index_agrees_with_the_full_scan(text: str) -> None:
    words = plain(text)
    assert KIE_TEXTS.find(words) == KIE_TEXTS.scan(words)
