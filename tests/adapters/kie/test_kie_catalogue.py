"""The catalogue, the payloads (golden copies), the prompt, the poll schedule and the health of keys."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.kie import payloads, prompts
from adapters.kie.catalogue import MODELS, Catalogue, Model
from adapters.kie.keys import ApiKey, KeyRing, LocalHealth
from adapters.kie.schedule import Schedule
from engine.clock import ManualClock
from states.job import Request
from states.vocabulary import ErrorClass, Reason, Verdict
from tests.adapters.kie.world import KEY, SEEDANCE, SPARE

NOW = ManualClock().now_ms()
URL = "https://tempfile.redpandaai.co/kieai/1/job1-1.jpg"
BEFORE_SORA_DIED = 1_780_000_000_000


def wish(**fields: Any) -> Request:
    return Request(
        **{"chat_id": 1, "photo": "f", "template": "own", "prompt": "steam", "model": "", **fields}
    )


def model(model_id: str) -> Model:
    found = Catalogue().get(model_id)
    assert found is not None
    return found


PROMPT = f"steam {prompts.KEEP}"
GOLDEN: Mapping[str, dict[str, Any]] = {
    "bytedance/seedance-1.5-pro": {
        "model": "bytedance/seedance-1.5-pro",
        "input": {
            "prompt": PROMPT,
            "input_urls": [URL],
            "aspect_ratio": "9:16",
            "duration": 10,
            "resolution": "720p",
            "generate_audio": False,
            "nsfw_checker": True,
        },
    },
    "grok-imagine/image-to-video": {
        "model": "grok-imagine/image-to-video",
        "input": {
            "prompt": PROMPT,
            "image_urls": [URL],
            "duration": "10",
            "mode": "normal",
            "resolution": "720p",
        },
    },
    "kling-3.0/video": {
        "model": "kling-3.0/video",
        "input": {
            "prompt": PROMPT,
            "image_urls": [URL],
            "duration": "10",
            "mode": "std",
            "sound": False,
            "multi_shots": False,
            "multi_prompt": [],
        },
    },
    "veo3_lite": {
        "model": "veo3_lite",
        "prompt": PROMPT,
        "imageUrls": [URL],
        "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO",
        "aspect_ratio": "9:16",
        "resolution": "720p",
        "enableTranslation": True,
    },
    "sora-2-image-to-video": {
        "model": "sora-2-image-to-video",
        "input": {
            "prompt": PROMPT,
            "image_urls": [URL],
            "aspect_ratio": "portrait",
            "n_frames": "10",
            "remove_watermark": True,
        },
    },
}
GOLDEN = {**GOLDEN, "veo3_fast": GOLDEN["veo3_lite"] | {"model": "veo3_fast"}}


@pytest.mark.parametrize("model_id", [one.id for one in MODELS])
def test_golden_payloads(model_id: str) -> None:
    assert payloads.build(model(model_id), wish(), URL) == GOLDEN[model_id]


@pytest.mark.parametrize("model_id", [SEEDANCE, "veo3_lite"])
def test_the_callback_stands_beside_the_input(model_id: str) -> None:
    body = payloads.build(model(model_id), wish(), URL, "https://bot.example/kie?job=1")
    assert body["callBackUrl"] == "https://bot.example/kie?job=1"


@pytest.mark.parametrize(("wanted", "made"), [(1, 4), (7, 7), (30, 12)])
def test_lengths_are_the_nearest_possible(wanted: int, made: int) -> None:
    body = payloads.build(model(SEEDANCE), wish(duration_s=wanted), URL)
    assert body["input"]["duration"] == made


def test_an_aspect_nobody_knows_is_the_models_first() -> None:
    body = payloads.build(model("veo3_lite"), wish(aspect="2:1"), URL)
    assert body["aspect_ratio"] == "16:9"


# --- catalogue ----------------------------------------------------------------------------------


def test_the_default_order_is_one_maker_after_the_other() -> None:
    order = [one.id for one in Catalogue().order(SEEDANCE, NOW)]
    assert order == [SEEDANCE, "grok-imagine/image-to-video", "kling-3.0/video", "veo3_lite", "veo3_fast"]


def test_models_of_the_same_maker_come_last() -> None:
    order = [one.id for one in Catalogue().order("veo3_fast", NOW)]
    assert (order[0], order[-1]) == ("veo3_fast", "veo3_lite")


def test_sora_2_lived_until_its_day() -> None:
    sora = model("sora-2-image-to-video")
    assert not sora.retired(BEFORE_SORA_DIED)
    assert sora.retired(NOW)
    assert sora not in Catalogue().available(NOW)
    assert Catalogue().price(sora.id) == 1


def test_the_operator_chooses_and_switches_off() -> None:
    catalogue = Catalogue(default="kling-3.0/video", disabled=[SEEDANCE])
    first = catalogue.default(NOW)
    assert first is not None
    assert first.id == "kling-3.0/video"
    assert SEEDANCE not in [one.id for one in catalogue.order(SEEDANCE, NOW)]
    with pytest.raises(ValueError, match="no-such-model"):
        Catalogue(default="no-such-model")


@pytest.mark.parametrize(
    ("model_id", "cost"),
    [(SEEDANCE, 35), ("grok-imagine/image-to-video", 45), ("kling-3.0/video", 140), ("veo3_fast", 60)],
)
def test_what_a_clip_of_ten_seconds_costs_us(model_id: str, cost: float) -> None:
    assert model(model_id).provider_cost(10) == cost


# --- prompt -------------------------------------------------------------------------------------


def test_wishes_go_along_unchanged() -> None:
    text = "у нас нет скидок <b>&  🙂"
    assert "у нас нет скидок <b>& 🙂" in prompts.build("spin", text, 5000)


def test_an_unknown_template_is_a_plain_shot() -> None:
    assert prompts.build("gone", "", 5000).startswith(prompts.DEFAULT)
    assert prompts.build("own", "", 5000).startswith(prompts.DEFAULT)


@pytest.mark.parametrize("limit", [20, 300, 500])
def test_long_wishes_are_cut_at_a_word(limit: int) -> None:
    wishes = "слово " * 1000
    made = prompts.build("spin", wishes, limit)
    assert len(made) <= limit
    assert set(made.split()) == {"слово"}


def test_a_cut_word_is_kept_when_it_is_the_only_one() -> None:
    assert prompts.cut("x" * 50, 10) == "x" * 10
    assert prompts.cut("one two", 3) == "one"


# --- schedule -----------------------------------------------------------------------------------


@pytest.mark.parametrize("one", MODELS, ids=lambda one: one.id)
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 3.0])
def test_few_calls_and_little_lateness(one: Model, factor: float) -> None:
    ready_s = one.expected_s * factor
    schedule = Schedule()
    at, calls = schedule.first_s(one), 1
    while at < ready_s:
        step = schedule.next_s(one, at)
        assert 2.5 <= step <= 30
        at, calls = at + step, calls + 1
    assert calls <= 40
    assert at - ready_s <= max(5.5, 0.1 * ready_s)


def test_past_the_soft_limit_looks_are_rare() -> None:
    assert Schedule().next_s(model(SEEDANCE), 1000) == 30


def test_a_woken_job_waits_for_its_first_look_in_steps() -> None:
    assert 2.5 <= Schedule().next_s(model(SEEDANCE), 0) <= 30


def test_the_pace_scales_everything() -> None:
    slow, fast = Schedule(), Schedule(pace=0.05)
    assert fast.first_s(model(SEEDANCE)) == pytest.approx(slow.first_s(model(SEEDANCE)) * 0.05)
    assert fast.next_s(model(SEEDANCE), 5) == pytest.approx(slow.next_s(model(SEEDANCE), 100) * 0.05)


# --- keys ---------------------------------------------------------------------------------------


def test_a_ring_needs_keys_with_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="at least one"):
        KeyRing([])
    with pytest.raises(ValueError, match="same name"):
        KeyRing([KEY, KEY])
    with pytest.raises(ValueError, match="name"):
        ApiKey("a|b", "x")


def test_a_key_that_was_taken_out_leaves_its_tasks_to_the_first() -> None:
    assert KeyRing([KEY, SPARE]).named("spare") is SPARE
    assert KeyRing([KEY, SPARE]).named("gone") is KEY


def verdict(reason: Reason, retry_after_s: float | None = None) -> Verdict:
    return Verdict(ErrorClass.TRANSIENT, reason, "test", retry_after_s)


def rest_s(health: LocalHealth, model_id: str, key: str) -> float:
    rest = health.rest(model_id, key)
    return rest.seconds if rest else 0


def test_a_rate_limit_rests_the_key_for_as_long_as_it_says() -> None:
    clock = ManualClock()
    health = LocalHealth(clock)
    health.failed("m", "main", verdict(Reason.RATE_LIMITED, 20))
    assert (rest_s(health, "other", "main"), rest_s(health, "m", "spare")) == (20, 0)
    clock.advance(20)
    assert rest_s(health, "m", "main") == 0


def test_success_between_failures_keeps_a_model_awake() -> None:
    health = LocalHealth(ManualClock())
    for reason in (Reason.OVERLOADED, Reason.UNAVAILABLE):
        health.failed("m", "main", verdict(reason))
    health.rendered("m")
    health.failed("m", "main", verdict(Reason.OVERLOADED))
    assert rest_s(health, "m", "main") == 0


def test_a_model_that_accepts_tasks_and_lets_them_die_rests_too() -> None:
    health = LocalHealth(ManualClock())
    for _ in range(3):
        health.accepted("m", "main")
        health.failed("m", "main", verdict(Reason.OVERLOADED))
    assert rest_s(health, "m", "main") == 60


def test_a_finished_render_does_not_fill_an_empty_account() -> None:
    health = LocalHealth(ManualClock())
    health.failed("m", "main", verdict(Reason.PROVIDER_BALANCE))
    health.rendered("m")
    assert rest_s(health, "m", "main") == 60
    health.accepted("m", "main")
    assert rest_s(health, "m", "main") == 0


def test_a_failed_probe_rests_the_model_again() -> None:
    clock = ManualClock()
    health = LocalHealth(clock)
    for _ in range(3):
        health.failed("m", "main", verdict(Reason.OVERLOADED))
    clock.advance(60)
    health.trying("m", "main")
    assert rest_s(health, "m", "main") == 30
    health.failed("m", "main", verdict(Reason.OVERLOADED))
    assert rest_s(health, "m", "spare") == 60
