"""A replay does the work of the run it repeats, batched or not; what does not is refused."""

import asyncio
from dataclasses import replace

import pytest

from bot.wiring.bench.servers import fresh_server
from engine.bench.blast import BlastRefused, blast, loaded
from engine.bench.raw import Recording, record_run, replay_run
from engine.driver.pipe import encode

JOBS = 5


@pytest.fixture(scope="module")
def recording() -> Recording:
    with fresh_server("no") as url:
        return asyncio.run(record_run(url, JOBS, users=2))


@pytest.mark.parametrize("batched", [True, False])
def test_the_same_edges_are_taken(recording: Recording, server: str, batched: bool) -> None:
    replayed = asyncio.run(replay_run(server, recording, batched=batched))
    assert replayed.edges == 4 * JOBS
    assert replayed.server.calls["evalsha"] > 0
    assert recording.verbs["submit"] == JOBS


def test_a_replay_that_does_less_is_no_measurement(recording: Recording, server: str) -> None:
    halved = replace(recording, calls=recording.calls[: len(recording.calls) // 2])
    with pytest.raises(RuntimeError, match="other edges"):
        asyncio.run(replay_run(server, halved, batched=True))


def test_a_refused_command_is_heard(server: str) -> None:
    fine, wrong = encode(("PING",)), encode(("NOSUCH", "command"))
    assert blast(server, [fine] * 1000) > 1000
    with pytest.raises(BlastRefused, match="NOSUCH"):
        blast(server, [fine, wrong, fine])


def test_every_verb_is_loaded(server: str) -> None:
    shas = loaded(server)
    assert {"submit", "commit", "claim", "batch"} <= set(shas)
    assert len({len(sha) for sha in shas.values()}) == 1
