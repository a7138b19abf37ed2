"""Packed texts come back whole; damaged ones are told; what is no packed text is what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import packing
from engine.packing import MARK, WORTH_IT, packed, unpacked

TEXTS = st.one_of(st.binary(max_size=3000), st.text(max_size=1500).map(str.encode)).filter(
    lambda text: not text.startswith(MARK)
)


@given(TEXTS)
def test_a_text_comes_back_and_never_grows(text: bytes) -> None:
    made = packed(text)
    assert unpacked(made) == text
    assert len(made) <= len(text)


@given(st.data())
def test_a_damaged_text_is_never_taken_for_another(data: st.DataObject) -> None:
    text = b'{"created":1790000000000,"tasks":[{"n":1,"model":"kling-3.0/video"}],"note":"%s"}' % (
        b"abc " * 60
    )
    made = packed(text)
    assert made.startswith(MARK)
    cut = data.draw(st.integers(1, len(made) - 1))
    with pytest.raises(ValueError, match="a packed text is damaged"):
        unpacked(made[:cut])
    with pytest.raises(ValueError, match="a packed text is damaged"):
        unpacked(made + b"\x00")


def test_short_texts_stay_plain() -> None:
    assert packed(b"x" * (WORTH_IT - 1)) == b"x" * (WORTH_IT - 1)
    assert packed(b"x" * WORTH_IT).startswith(MARK)


def test_the_dictionary_is_the_one_that_stored_texts_were_made_with() -> None:
    """It may never change under its mark: another dictionary gets another mark."""
    stored = bytes.fromhex(STORED)
    assert unpacked(stored) == TEXT
    assert packing.MARK == b"\x01"


TEXT = (
    b'{"created":1795920505838,"since":1795920507644,"rendered":1795920507644,"sends":1,"tasks":[{"n":1,"model":'
    b'"kling-3.0/video","key":"main","status":"succeeded","created_ms":1795920507355,"task_id":"C8ivPZXyEif8ZhPg",'
    b'"cost":70.0}],"message":7}'
)
STORED = (
    "01438d7f534b23035303530b630b50f0c0520244d4dcccc4042d4d204bd02575402d343635454e27ce16996501511195"
    "ae996916511901e9406fa2a61b781c98d70200"
)
