"""A bench for the verbs: a store of one partition, a small graph, 100 credits for user 7."""

import pytest

from engine.clock import ManualClock
from engine.store import Store
from tests.factories import Bench, make_bench


@pytest.fixture
async def bench(store: Store, clock: ManualClock) -> Bench:
    """The verbs with short words."""
    return await make_bench(store, clock)
