"""The collector looks more rarely, and still finds cycles."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from engine.collector import YOUNG, settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_stays_and_what_comes_is_collected() -> None:
    settle()
    assert gc.get_freeze_count() > 1_000
    assert gc.get_threshold()[0] == YOUNG
    first = ref(Knot())
    kept = [[n] for n in range(2 * YOUNG)]
    assert first() is None
    assert len(kept) == 2 * YOUNG
