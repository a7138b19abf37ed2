from collections.abc import AsyncIterator

import pytest

from engine.clock import ManualClock
from tests.diagrams.live.site import SHUT, Live, open_bench


@pytest.fixture
async def live(redis_url: str, clock: ManualClock) -> AsyncIterator[Live]:
    """A page that anybody may look at."""
    async with open_bench(redis_url, clock) as opened:
        yield opened


@pytest.fixture
async def shut(redis_url: str, clock: ManualClock) -> AsyncIterator[Live]:
    """A page that asks for its token."""
    async with open_bench(redis_url, clock, SHUT) as opened:
        yield opened
