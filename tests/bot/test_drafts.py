import pytest

from adapters.kie.prompts import TEMPLATES as PROMPTS
from bot.drafts import OWN, TEMPLATES, Draft, Phase, decode, encode
from bot.texts import LANGUAGES, load_texts


def test_a_draft_comes_back_as_it_was() -> None:
    draft = Draft(
        "t", Phase.WISHES, 3, "photo", "own", "<b>&😀", "m", 1, 5, "album", ("a", "b"), album_told=True
    )
    assert decode(encode(draft)) == draft


@pytest.mark.parametrize(
    "raw", [None, b"", b"no json", b"[]", b'{"token": "t"}', b'{"token": "t", "phase": "x"}']
)
def test_what_is_no_longer_understood_is_no_draft(raw: bytes | None) -> None:
    assert decode(raw) is None


def test_the_album_does_not_grow_beyond_ten() -> None:
    draft = Draft("t", Phase.CHOICE)
    for number in range(20):
        draft = draft.with_album_photo(str(number % 12))
    assert len(draft.album_photos) == 10


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_style_has_a_prompt_and_words(lang: str) -> None:
    assert set(TEMPLATES) <= set(PROMPTS)
    for name in (*TEMPLATES, OWN):
        assert load_texts().say(lang, f"template-{name}")
        assert load_texts().say(lang, f"template-{name}-about")


def test_a_style_that_is_gone_is_called_by_its_bare_name() -> None:
    assert load_texts().template("ru", "<old>") == "&lt;old&gt;"
