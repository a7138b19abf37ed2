import pytest

from adapters.kie.catalogue import MODELS
from bot.drafts import TEMPLATES
from bot.taps import CALLBACK_LIMIT, Tap, Verb, parse_tap, short

JOB_ID = "f-" + "x" * 22
TOKEN = "_" * 22


@pytest.mark.parametrize("verb", list(Verb))
def test_a_tap_comes_back_as_it_was_and_fits(verb: Verb) -> None:
    for tap in (
        Tap(verb),
        Tap(verb, JOB_ID),
        Tap(verb, TOKEN, 99_999),
        Tap(verb, TOKEN, 1, "lifestyle"),
        Tap(verb, arg="ru"),
    ):
        data = tap.pack()
        assert len(data.encode()) <= CALLBACK_LIMIT
        assert parse_tap(data) == tap


@pytest.mark.parametrize("arg", [*TEMPLATES, *(short(model.id) for model in MODELS)])
def test_every_style_and_model_fits_into_a_button(arg: str) -> None:
    assert len(Tap(Verb.TEMPLATE, TOKEN, 99_999, arg).pack().encode()) <= CALLBACK_LIMIT


def test_the_short_names_of_models_are_distinct() -> None:
    assert len({short(model.id) for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize(
    "data", [None, "", "xx", "go:token:one", "go:token:-1", "go:token:²", ":::", "launch_123"]
)
def test_what_we_never_made_is_no_tap(data: str | None) -> None:
    assert parse_tap(data) is None


def test_data_that_is_too_long_is_a_bug_found_early() -> None:
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        Tap(Verb.LAUNCH, "x" * 80).pack()
