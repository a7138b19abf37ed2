from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from engine.codec import encode
from engine.simulation.host import Host
from engine.simulation.install import scripts
from engine.simulation.loop import WorldLoop
from engine.simulation.witness import Witness


class Court:
    """A witness, and what it complained of."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        order = {name: tuple(a.name for a in verb.arguments) for name, verb in scripts().verbs.items()}
        self.order = order
        self.witness = Witness(order, lambda invariant, _: self.complaints.append(invariant), lambda: 0)
        self.loop = WorldLoop()
        self.host = Host("w", self.loop, Random(1))

    def claim(self, epoch: int, state: str = "queued") -> None:
        guards = f"{state}\n0\n{epoch}".encode()
        self.witness.hear(self.host, "claim", [], [b"job", b"", b"0", [b"0-j", guards]])

    def write(self, verb: str, **given: Any) -> None:
        words = {"job": "0-j", "epoch": 1, "seq": 0, "unclaim": "0", **given}
        self.witness.hear(self.host, verb, [words.get(name, "") for name in self.order[verb]], b"ok")


@pytest.fixture
def court() -> Iterator[Court]:
    made = Court()
    yield made
    made.loop.close()


def test_writes_of_the_newest_lease_are_fine(court: Court) -> None:
    court.claim(1)
    court.write("note")
    court.write("park")
    assert court.complaints == []


def test_a_write_of_an_older_lease_is_a_broken_fence(court: Court) -> None:
    court.claim(2)
    court.write("note")
    assert court.complaints == ["fence"]


def test_setting_a_job_aside_fences_its_worker_too(court: Court) -> None:
    court.claim(1)
    court.write("quarantine", epoch="")
    court.write("migrate", epoch=2)
    assert court.complaints == []
    court.write("note", epoch=1, seq=1)
    assert court.complaints == ["fence"]


def test_an_end_that_keeps_the_credits_is_told(court: Court) -> None:
    court.claim(1)
    record = encode({"in": {"held": True}})
    court.write("commit", target="refunded", edge="queued/expire", money="", record=record)
    assert court.complaints == ["money"]


def test_leaving_an_end_is_told(court: Court) -> None:
    court.claim(1)
    record = encode({"in": {}})
    court.write("commit", target="failed", edge="queued/expire/free", money="", record=record)
    court.write("commit", target="sending", edge="x", money="", record=record, seq=1)
    assert court.complaints == ["terminals"]


def test_a_planted_bug_must_fit_the_script_it_spoils() -> None:
    with pytest.raises(ValueError, match="no 'nothing like this'"):
        scripts(("lib/job.lua", "nothing like this", ""))
