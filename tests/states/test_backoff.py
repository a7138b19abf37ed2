"""Delays: the row's numbers, jittered within bounds, never below a Retry-After."""

from hypothesis import given
from hypothesis import strategies as st

from states.backoff import delay_ms
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage

ROW = STRATEGY.row(Stage.GENERATING, Reason.UNAVAILABLE)


@given(n=st.integers(0, 20), rnd=st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_a_fifth(n: int, rnd: float) -> None:
    base = ROW.delays_s[min(n, 4)] * 1000
    assert 0.8 * base - 1 <= delay_ms(ROW, n, rnd) <= 1.2 * base + 1


@given(n=st.integers(0, 20), rnd=st.floats(0, 1, exclude_max=True), after=st.floats(0, 5000))
def test_never_earlier_than_the_provider_asked(n: int, rnd: float, after: float) -> None:
    assert delay_ms(ROW, n, rnd, after) >= round(after * 1000) - 1


def test_a_row_without_delays_waits_not() -> None:
    assert delay_ms(STRATEGY.row(Stage.GENERATING, Reason.NO_PRODUCT), 0, 0.9) == 0
