"""What was measured is summed up, shown, written and drawn without loss."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bot.commands.bench_show import Report, number
from bot.wiring.bench.bars import bars
from engine.bench.jobs import Plan
from engine.bench.summary import percentile, spread


def test_medians_and_their_spread() -> None:
    found = spread([{"a": 1.0, "b": 5.0}, {"a": 3.0}, {"a": 2.0, "b": 7.0}])
    assert (found["a"].median, found["a"].low, found["a"].high) == (2.0, 1.0, 3.0)
    assert "b" not in found, "a figure that one round lacks has no median"
    with pytest.raises(ValueError, match="no round"):
        spread([])


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 50), (99, 99), (100, 100)])
def test_percentiles_are_values_that_came(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile([], 50)


@pytest.mark.parametrize(("value", "said"), [(1234.5, "1,234"), (99.94, "99.9"), (0.1234, "0.123"), (3, "3")])
def test_numbers_are_told_in_three_digits(value: float, said: str) -> None:
    assert number(value) == said


def test_a_report_is_written_and_drawn(tmp_path: Path) -> None:
    report = Report("jobs", {"cores": "2 cores"}, {"plan": Plan("redis://:secret@127.0.0.1:1/0")})
    report.table("few [us]", {"a & b": 1.5})
    report.line({"jobs_per_s": 12.0}, ("jobs_per_s",))
    report.figures(spread([{"jobs_per_s": 12.0}]))
    report.write(tmp_path / "deep" / "r.json", tmp_path / "r.svg")
    text = (tmp_path / "deep" / "r.json").read_text(encoding="utf-8")
    written = json.loads(text)
    assert written["few [us]"] == {"a & b": 1.5}
    assert written["median"]["jobs_per_s"]["median"] == 12.0
    assert "secret" not in text, "an address may hold a password"
    words = "".join(ET.parse(tmp_path / "r.svg").getroot().itertext())  # noqa: S314 - our own file
    assert "a & b" in words
    assert "2 cores" in words


def test_bars_are_as_long_as_their_values() -> None:
    svg = bars("t", {"p": {"ours": 200.0, "theirs": 100.0}}, ["ours"])
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    widths = [float(each.attrib["width"]) for each in root.iter() if each.attrib.get("rx")]
    fills = [each.attrib["fill"] for each in root.iter() if each.attrib.get("rx")]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert fills[0] != fills[1]
