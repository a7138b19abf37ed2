"""Values nobody should send, for Hypothesis: any JSON, wrong types, huge, deep, half a letter."""

import json
from typing import Any

from hypothesis import strategies as st

DEPTH = 3_000
DEEP = "[" * DEPTH + "]" * DEPTH
"""JSON nested deeper than a parser can follow."""
DEEP_OBJECT = '{"data":' * DEPTH + "1" + "}" * DEPTH

numbers = (
    st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from((0, -1, 2**31, 2**63, 2**64, 10**400, float("nan"), float("inf"), -0.0))
)
texts = st.text(max_size=40) | st.sampled_from(
    (
        "",
        "\x00",
        "\ud83d",
        "\u202e\u200frtl",
        "<b>&amp;</b>",
        "a" * 5_000,
        "../../etc/passwd",
        "https://evil.example/x.mp4",
        "file:///etc/passwd",
        DEEP,
        "9" * 5_000,
        "1e999",
        "nan",
        "{}",
        '"',
        "💥" * 500,
    )
)
scalars = st.none() | st.booleans() | numbers | texts


def jsons(keys: tuple[str, ...] = (), leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any JSON whose objects often use these keys."""
    names = st.sampled_from(keys) | st.text(max_size=10) if keys else st.text(max_size=10)
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=leaves,
    )


def wire(value: Any) -> bytes:
    """As it would stand on the wire: NaN and lone surrogates included, huge numbers as they are."""
    return json.dumps(value).encode()
