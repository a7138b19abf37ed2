"""One mother of worker processes for all plays of a test process."""

from collections.abc import Iterator

import pytest

from bot.wiring.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts when the first worker is wanted."""
    made = Nursery()
    yield made
    made.close()
