"""Figures that the tests of this room found: added up over tests and processes, shown after the last one."""

from collections.abc import Callable

import pytest

Figure = Callable[[str, int], None]
PREFIX = "figure: "


def add_up(reports: list[pytest.TestReport]) -> dict[str, int]:
    """All figures by name; `most …` are maxima, everything else is a sum."""
    found: dict[str, int] = {}
    for report in reports:
        for name, value in report.user_properties:
            if name.startswith(PREFIX):
                what, count = name.removeprefix(PREFIX), int(str(value))
                before = found.get(what, 0)
                found[what] = max(before, count) if "most " in what else before + count
    return found
