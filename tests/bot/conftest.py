"""A hall for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.bot.hall import Hall, open_hall


@pytest.fixture
async def hall(redis_url: str) -> AsyncIterator[Hall]:
    """The whole conversation on an empty store."""
    async with open_hall(redis_url) as opened:
        yield opened
