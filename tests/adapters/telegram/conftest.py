"""Fixtures of the Telegram adapter's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.sandbox.telegram_world import film
from tests.adapters.telegram.world import Scene, scene


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    """A user who waits for a video."""
    async with scene(tmp_path, film()) as made:
        yield made
