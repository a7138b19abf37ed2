"""Scale-out on real fleets of servers: minutes, a machine of its own (`make scale`)."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REDIS_MISSING = "no redis-server here: apt install redis-server redis-sentinel redis-tools (or the like)"
needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason=REDIS_MISSING)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Everything here is marked, so that `make test` leaves it out."""
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.scale)


@pytest.fixture(
    params=["valkey", pytest.param("redis", marks=needs_redis)],
)
def servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Valkey out of its wheel, then the machine's Redis."""
    name = str(request.param)
    monkeypatch.setenv("REELSTATE_TEST_SERVER", name)
    return name
