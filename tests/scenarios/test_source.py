"""The strategy document's messages: each is reached by a story, and each story that is needed is played."""

import re

from adapters.sandbox.scenarios import SCENARIOS
from tests.scenarios.source import SOURCE
from tests.scenarios.stage import CHOSEN, REQUIRED

WORD = re.compile(r"[а-яё]{5,}|\d+")


def _stems(text: str) -> set[str]:
    """Words without their endings, «ё» as «е»: the document says «ты», the product «вы»."""
    return {word[:5] for word in WORD.findall(text.lower().replace("ё", "е"))}


def test_every_message_of_the_document_has_a_story_that_is_always_played() -> None:
    assert {block.scenario for block in SOURCE} <= set(CHOSEN)


def test_every_required_story_exists() -> None:
    assert set(REQUIRED) <= set(SCENARIOS)
    assert len(REQUIRED) == 20


def test_our_sentences_are_the_documents_own_words() -> None:
    for block in SOURCE:
        ours, theirs = _stems(" ".join(block.sentences)), _stems(block.quote)
        if theirs:  # one quote is English
            assert len(ours & theirs) >= 0.6 * len(theirs), (block.where, theirs - ours)
