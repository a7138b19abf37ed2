import re

import pytest

from engine.front import Engine
from engine.values import EntryKind, NewJob
from states.decide import Decision, decide
from states.facts import Happening
from states.job import Job
from states.record import record
from states.vocabulary import State, Trigger
from tests.bot.commands.conftest import Run, sentence, with_engine
from tests.factories import make_request


@pytest.fixture
def env(redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "REELSTATE_PARTITIONS": "1"}


def _launched(url: str, user_id: int = 7) -> Job:
    async def work(engine: Engine) -> Job:
        await engine.grant(user_id, 5, "gift", EntryKind.GRANT)
        request = make_request(user_id)
        new = NewJob(idem="tap", user_id=user_id, cost=2, request=request)
        submitted = await engine.submit(new)
        assert submitted.job is not None
        return submitted.job

    return with_engine(url, work)


def test_show_tells_state_history_and_money(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    shown = run("job", "show", job.id, **env)
    assert shown.exit_code == 0
    assert job.id in shown.output
    assert "queued" in shown.output
    assert re.search(r"hold\s+-2\s+3", shown.output)
    assert re.search(r"0\s+.*·\s+queued", shown.output), "the birth is in the history"


def test_what_the_user_wrote_is_shown_on_demand_only(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    assert job.request.prompt not in run("job", "show", job.id, **env).output
    private = run("job", "show", job.id, "--private", **env).output
    assert job.request.prompt in private
    assert job.request.photo in private


def test_list_shows_live_jobs_and_filters_by_state(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    assert job.id in run("job", "list", **env).output
    assert job.id in run("job", "list", "--state", "queued", **env).output
    assert "No such jobs." in run("job", "list", "--state", "sending", **env).output
    assert job.id in run("job", "list", "--user", "7", **env).output
    assert "No such jobs." in run("job", "list", "--user", "8", **env).output


def test_list_tells_that_launches_are_paused(run: Run, env: dict[str, str]) -> None:
    with_engine(env["REDIS_URL"], lambda engine: engine.pause("the balance is empty"))
    assert "launches are paused: the balance is empty" in run("job", "list", **env).output


def test_ended_jobs_are_listed_by_user(run: Run, env: dict[str, str]) -> None:
    assert "add --user ID" in sentence(run("job", "list", "--state", "done", **env))


def test_cancel_gives_the_credits_back(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    done = run("job", "cancel", job.id, "--reason", "asked by mail", **env)
    assert done.exit_code == 0, done.output
    assert "refunded, 2 credits went back to user 7" in done.output
    account = with_engine(env["REDIS_URL"], lambda engine: engine.account(7))
    assert (account.balance, account.held) == (5, 0)
    assert "has ended already: it is refunded" in sentence(
        run("job", "cancel", job.id, "--reason", "again", **env)
    )
    assert job.id in run("job", "list", "--state", "refunded", "--user", "7", **env).output


def test_cancel_says_when_it_is_too_late(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    with_engine(env["REDIS_URL"], _start)
    told = sentence(run("job", "cancel", job.id, "--reason", "too late", **env))
    assert told.startswith(f"Job {job.id} is generating")
    assert "can no longer be cancelled" in told
    account = with_engine(env["REDIS_URL"], lambda engine: engine.account(7))
    assert account.held == 2


async def _start(engine: Engine) -> None:
    """What a worker does first: claim the job and move it."""
    store = engine.store
    claim = await store.claim("w1", partition=0, lease_ms=15_000, queued_ok=True)
    assert claim.job is not None
    decision = decide(claim.job, Trigger.START, Happening(), now_ms=store.clock.now_ms(), rnd=0.5)
    assert isinstance(decision, Decision)
    moved = await store.commit(
        claim.job,
        decision.after,
        edge_id=decision.edge.id,
        op="1",
        record=record(decision, graph=claim.job.graph, actor="worker"),
        keep_lease=True,
    )
    assert isinstance(moved, Job)
    assert moved.state is State.GENERATING


def test_an_unknown_job_is_a_sentence(run: Run, env: dict[str, str]) -> None:
    for words in (("show", "0-nothing"), ("cancel", "0-nothing", "--reason", "x")):
        assert sentence(run("job", *words, **env)).startswith("There is no job 0-nothing")


def test_cancel_wants_a_reason(run: Run, env: dict[str, str]) -> None:
    assert run("job", "cancel", "0-x", **env).exit_code == 2


def test_a_job_that_was_set_aside_is_named_and_comes_back(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    assert "is not set aside" in sentence(run("job", "release", job.id, **env))
    with_engine(env["REDIS_URL"], lambda engine: engine.store.quarantine(job.id, "its money is odd"))
    listed = run("job", "list", **env).output
    assert job.id in listed
    assert "its money is odd" in listed
    released = run("job", "release", job.id, **env)
    assert released.exit_code == 0, released.output
    assert with_engine(env["REDIS_URL"], lambda engine: engine.store.quarantined()) == []
    assert job.id in run("job", "list", "--state", "queued", **env).output
