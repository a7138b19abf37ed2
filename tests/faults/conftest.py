"""One mother of worker processes for all plays of a test process, and what the tests have measured."""

from collections.abc import Iterator

import pytest

from bot.wiring.nursery import Nursery
from tests.faults.figures import PREFIX, Figure, add_up


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts when the first worker is wanted."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Notes a figure for the table after the last test. It travels with the report, past xdist."""

    def note(what: str, count: int) -> None:
        request.node.user_properties.append((f"{PREFIX}{what}", count))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    found = add_up(reports)
    if found:
        terminalreporter.section("figures")
        for what in sorted(found):
            terminalreporter.write_line(f"{found[what]:>8}  {what}")
