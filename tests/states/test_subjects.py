"""Machinery in the vocabulary of photos and refusals: nobody who sent a photo is to blame for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.classify import classify_kie_error
from states.rules_match import plain
from states.subjects import sober
from states.vocabulary import ErrorClass, Failure, Reason

GIVEN = (
    *(
        "content",
        "photo",
        "image",
        "face",
        "sensitive",
        "safety",
        "moderation",
        "prompt",
        "person",
        "media",
        "picture",
    ),
    *("nsfw", "adult", "product", "brand", "copyright", "policy", "text", "frame", "minor"),
)
MACHINES = (
    *(
        "service",
        "worker",
        "gateway",
        "queue",
        "node",
        "pool",
        "cluster",
        "cdn",
        "bucket",
        "server",
        "pipeline",
    ),
    *(
        "module",
        "engine",
        "database",
        "cache",
        "endpoint",
        "index",
        "backend",
        "container",
        "scheduler",
        "daemon",
    ),
    *(
        "weights",
        "checkpoint",
        "log",
        "store",
        "proxy",
        "webhook",
        "shard",
        "registry",
        "library",
        "loader",
        "encoder",
    ),
)
BROKEN = (
    *(
        "is overloaded",
        "is unavailable",
        "timed out",
        "crashed",
        "not found",
        "is missing",
        "failed to start",
        "is full",
    ),
    *(
        "returned 503",
        "is at capacity",
        "could not be loaded",
        "is restarting",
        "is under maintenance",
        "was evicted",
    ),
    *(
        "ran out of memory",
        "is not configured",
        "is deprecated",
        "rejected the connection",
        "exceeded its quota",
    ),
    *("has expired", "is corrupted", "cannot be reached", "is disabled", "is too large", "limit exceeded"),
    *("denied access to the key", "has invalid format", "blocked by firewall", "refused the handshake"),
)
MODELS = ("", "Sora 2: ", "Veo 3.1 Fast ", "kling-3.0/video: ", "grok-imagine says: ", "Error: ")


def kie(text: str) -> ErrorClass:
    return classify_kie_error(Failure("kie", "poll", fail_code="500", fail_message=text)).cls


@given(st.sampled_from(MODELS), st.sampled_from(GIVEN), st.sampled_from(MACHINES), st.sampled_from(BROKEN))
def test_a_machine_that_broke_is_never_the_users(model: str, given: str, machine: str, broke: str) -> None:
    assert kie(f"{model}{given} {machine} {broke}") is not ErrorClass.USER


ADJECTIVES = (
    "illegal",
    "prohibited",
    "forbidden",
    "unsafe",
    "restricted",
    "sensitive",
    "explicit",
    "disallowed",
)
FORMALITIES = (
    "value",
    "parameter",
    "argument",
    "header",
    "option",
    "operation",
    "attribute",
    "scope",
    "method",
)
REQUESTED = (
    "is not supported",
    "is required",
    "must be a string",
    "was ignored",
    "is unknown",
    "for this endpoint",
)


@given(
    st.sampled_from(MODELS),
    st.sampled_from(ADJECTIVES),
    st.sampled_from(FORMALITIES),
    st.sampled_from(REQUESTED),
)
def test_the_form_of_a_request_is_never_the_users(
    model: str, adjective: str, formality: str, wrong: str
) -> None:
    assert kie(f"{model}{adjective} {formality} {wrong}") is not ErrorClass.USER


@given(
    st.sampled_from(GIVEN),
    st.sampled_from(("score", "level", "mode", "threshold", "flag", "setting", "metric")),
)
def test_a_setting_named_after_content_is_never_the_users(given: str, setting: str) -> None:
    for wrong in ("is undefined", "must be a float", "is NaN", "is missing", "should be between 0 and 1"):
        assert kie(f"{given}_{setting} {wrong}") is not ErrorClass.USER


@pytest.mark.parametrize(
    "text",
    [
        "No face restoration weights found",
        "sensitive data masked in log",
        "Failed to load nsfw classifier checkpoint",
        "face detector crashed with signal 11",
        "Sensitive content detection timed out",
        "case-sensitive field name: imageUrls is not recognised",
        "Copyright header missing in source map",
        "Your plan does not allow disabling the safety filter",
        "Your organization is not allowed to use person generation",
        "generated video file is too large to store",
        "output image could not be decoded",
        "docker image is corrupted",
        "trademark font license expired",
        "InvalidParameter: File [id:file-fe-123] format is not supported.",
        "image_urls exceeds the maximum number of items allowed: 1",
        "Your request was rejected by Flow(internal error, please try again later).",
        "Blurred background filter plugin failed to initialize",
        "NSFW filter subscription expired",
        "Violation of unique constraint in table prompts",
    ],
)
def test_the_operators_things_in_the_users_words(text: str) -> None:
    assert kie(text) is not ErrorClass.USER


@pytest.mark.parametrize(
    "text",
    [
        "Your image was flagged by our content moderation system",
        "Generation stopped by safety filter",
        "Provider returned error: content_filter",
        "Content safety service rejected your image",
        "face_detection_error",
        "Generated clip withheld by safety systems",
        "failed to parse image header",
        "The moderation model detected nudity",
        "The uploaded photo has been rejected by the upstream safety review.",
    ],
)
def test_machinery_that_refuses_is_still_a_refusal(text: str) -> None:
    assert kie(text) is ErrorClass.USER


@given(st.sampled_from(GIVEN), st.sampled_from(MACHINES))
def test_of_a_compound_only_its_head_is_left(given: str, machine: str) -> None:
    if machine not in ("service", "engine"):
        assert (
            plain(sober(plain(f"our {given} {machine} is slow"), Reason.CONTENT_POLICY))
            == f" our {machine} is slow "
        )


@given(st.text(max_size=300))
def test_sobering_never_adds_words(text: str) -> None:
    words = plain(text)
    assert set(sober(words, Reason.INVALID_IMAGE).split()) <= {*words.split(), "result", "unavailable"}
