"""Telemetry, written down."""

from engine.telemetry import Telemetry
from tests.engine.fakes import Recorder


def test_everybody_hears_every_event() -> None:
    first, second = Recorder(), Recorder()
    telemetry = Telemetry([first])
    telemetry.subscribers.append(second)
    telemetry.emit("job.moved", job="0-j", seq=1)
    assert first.events == second.events == [("job.moved", {"job": "0-j", "seq": 1})]
