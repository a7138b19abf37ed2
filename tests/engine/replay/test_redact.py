import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import ManualClock
from engine.codec import decode
from engine.config import EngineConfig
from engine.front import Engine
from engine.randomness import SeededRandomness
from engine.replay.reading import graph_line
from engine.replay.redact import leaks, pseudonym, redacted
from engine.replay.replayer import Replayer
from engine.replay.values import Verdict
from engine.store_export import histories
from engine.values import EntryKind, NewJob
from states.decide import Decision, decide, error
from states.graph import GRAPH
from states.job import Hint, ProviderTask, Request, TaskStatus
from states.record import record
from states.vocabulary import Reason, State, Trigger
from tests.engine.replay.make_log import make_log
from tests.states.samples import NOW_MS, make_job, verdict

SCHEMA = json.loads((Path(__file__).parents[3] / "diagrams/schema/record-1.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SECRETS = (
    "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "sk-live-0123456789abcdef",
    "https://files.example/v.mp4?sig=1",
    "AgACAgIAAxkBAAIBQ2Zx0123456789abcdefghij",
    "Сделай красивое видео про мой товар",
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_record_fits_the_schema_and_holds_nothing_it_must_not() -> None:
    dispositions = set()
    for row in make_log(300, seed=5, trouble=3):
        plain = json.loads(json.dumps(row))
        VALIDATOR.validate(plain)
        assert leaks(plain) == []
        assert "secret" not in json.dumps(plain)
        dispositions.add(plain["disp"])
    assert dispositions == {"transition", "denied"}
    VALIDATOR.validate(decode(graph_line(GRAPH.digest, GRAPH.canonical_json())))


def test_records_are_small() -> None:
    rows = [json.dumps(row, separators=(",", ":")) for row in make_log(200, seed=5)]
    assert sum(map(len, rows)) / len(rows) < 420


@given(text=st.text(min_size=1, max_size=60), place=st.sampled_from(["prompt", "photo", "task", "refused"]))
def test_no_text_of_anybody_reaches_a_record(text: str, place: str) -> None:
    """Whatever a user writes or a provider answers, the record is the same as without it."""

    def made(words: str) -> dict[str, object]:
        request = Request(
            7, words if place == "photo" else "p", "own", words if place == "prompt" else "", "m"
        )
        task = ProviderTask(1, "m", "k", TaskStatus.OPEN, NOW_MS, words if place == "task" else "t")
        job = make_job(State.GENERATING, request=request, tasks=(task,), hints=(Hint("callback", 1, words),))
        what = error(verdict(Reason.PROVIDER_ERROR), task_n=1, refused=words if place == "refused" else "")
        decision = decide(job, Trigger.ERROR, what, now_ms=NOW_MS, rnd=0.5)
        assert isinstance(decision, Decision)
        return record(decision, graph=GRAPH.digest, actor="worker")

    assert made(text) == made("")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["why", "by", "op", "rule"])
def test_a_secret_in_a_record_is_seen(secret: str, place: str) -> None:
    row = next(r for r in make_log(50, seed=5, trouble=3) if r.get("event") == "error")
    assert leaks({**row, "in": {**row["in"], "rule": secret}} if place == "rule" else {**row, place: secret})


def test_a_field_that_is_not_of_the_schema_is_seen_and_left_out() -> None:
    row = next(r for r in make_log(50, seed=5, trouble=3) if r.get("event") == "error")
    odd = {**row, "user": 7, "in": {**row["in"], "prompt": "x"}}
    assert leaks(odd) == ["the field 'user' is not of the schema", "the input 'prompt' is not of the schema"]
    assert redacted(odd) == row


def test_pseudonyms_hide_jobs_and_the_log_still_replays() -> None:
    rows = [pseudonym(row, b"salt") for row in make_log(40, seed=5)]
    names = {str(row["job"]) for row in make_log(40, seed=5)}
    assert not any(name in json.dumps(rows) for name in names)
    again = [pseudonym(row, b"salt") for row in make_log(40, seed=5)]
    other = [pseudonym(row, b"pepper") for row in make_log(40, seed=5)]
    assert rows == again != other
    replayer = Replayer()
    replayer.feed(json.dumps(row).encode() for row in rows)
    assert replayer.finish().jobs == {Verdict.SAME: 40}
    VALIDATOR.validate(json.loads(json.dumps(rows[0])))


async def test_the_whole_history_of_a_store_holds_nobodys_words(
    redis_url: str, clock: ManualClock, randomness: SeededRandomness
) -> None:
    """A real store, every record of it: submits, a second tap, a denied and a done cancel."""
    engine = await Engine.connect(redis_url, EngineConfig(partitions=2), clock=clock, randomness=randomness)
    try:
        for user in (77_001_234, 77_005_678):
            await engine.grant(user, 100, "ext", EntryKind.GRANT)
            new = NewJob(f"tap-{user}", user, 12, Request(user, SECRETS[3], "own", SECRETS[4], "m"))
            first = await engine.submit(new)
            await engine.submit(new)
            assert first.job is not None
            clock.advance(5)
            await engine.cancel(first.job.id, user)
        found: list[dict[str, Any]] = [row async for own in histories(engine.store) for row in own]
    finally:
        await engine.close()
    assert [row["disp"] for row in found] == ["transition", "duplicate", "transition"] * 2
    for row in found:
        VALIDATOR.validate(row)
        assert leaks(row) == []
        assert not re.search(r"77001234|77005678", json.dumps(row))
    replayer = Replayer()
    replayer.feed(json.dumps(row).encode() for row in found)
    report = replayer.finish()
    assert report.jobs == {Verdict.SAME: 2}
    assert report.asides == 2
