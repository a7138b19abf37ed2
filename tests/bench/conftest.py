"""Benchmarks in small: what is asserted is that they measure what they say, never how fast it was."""

from collections.abc import Iterator

import pytest

from bot.wiring.bench.servers import fresh_server


@pytest.fixture
def server() -> Iterator[str]:
    """An empty server of the kind that is measured on."""
    with fresh_server("no") as url:
        yield url


@pytest.fixture
def other_server() -> Iterator[str]:
    """Another one, to be measured beside it."""
    with fresh_server("no") as url:
        yield url
