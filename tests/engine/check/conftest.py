"""A store with a job in each kind of place."""

from collections.abc import AsyncIterator

import pytest

from engine.clock import ManualClock
from engine.store import Store
from tests.engine.check.flows import Books, Lives, make_books, make_lives


@pytest.fixture
async def books(store: Store, clock: ManualClock) -> Books:
    """An empty store with whole books."""
    return await make_books(store, clock)


@pytest.fixture
async def lives(books: Books) -> Lives:
    """Jobs in every place."""
    return await make_lives(books)


@pytest.fixture
async def swept(store: Store) -> AsyncIterator[None]:
    """Damage may leave keys for ever; it is swept away before the leak check looks."""
    yield
    await store.connection.command("FLUSHALL")
