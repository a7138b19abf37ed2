"""How long to wait before the next try. Pure: the random number is an argument."""

from states.strategy import Row


def delay_ms(row: Row, failures_before: int, rnd: float, retry_after_s: float | None = None) -> int:
    """Milliseconds to wait after a failure.

    The row's delay for this retry, jittered by ±`row.jitter` so that jobs failing together do not return
    together. A longer Retry-After wins, with up to a tenth of itself added, never subtracted.
    """
    return jittered_ms(base_s(row, failures_before), row.jitter, rnd, retry_after_s)


def base_s(row: Row, failures_before: int) -> float:
    """Seconds before this retry as the row lists them; the last one stands for all that come later."""
    return row.delays_s[min(failures_before, len(row.delays_s) - 1)] if row.delays_s else 0.0


def jittered_ms(base_s: float, jitter: float, rnd: float, retry_after_s: float | None) -> int:
    """The arithmetic of `delay_ms`: a replay has looked the row up already."""
    wait_s = base_s * (1 + jitter * (2 * rnd - 1))
    if retry_after_s is not None and retry_after_s > wait_s:
        wait_s = retry_after_s * (1 + 0.1 * rnd)
    return round(wait_s * 1000)
