from collections.abc import Iterator

import pytest

from bot.wiring.simulation.play import server
from engine.simulation.wire import Wire


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    """One server for all worlds of this test process."""
    with server() as line:
        yield line
