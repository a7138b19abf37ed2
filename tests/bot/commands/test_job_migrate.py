from pathlib import Path

import pytest

from engine.config import EngineConfig
from engine.front import Engine
from engine.values import EntryKind, NewJob
from states.graph import GRAPH, build_graph
from states.job import Job
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage
from tests.bot.commands.conftest import Run, sentence, with_engine
from tests.factories import make_request

OLDER = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=1))


@pytest.fixture
def env(redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "REELSTATE_PARTITIONS": "1"}


def launched(url: str, judge: Judge, idem: str = "tap") -> Job:
    """A job of the program version that had this judge."""

    async def work(engine: Engine) -> Job:
        version = Engine(engine.store, EngineConfig(), judge)
        await version.open()
        await version.grant(7, 5, "gift", EntryKind.GRANT)
        new = NewJob(idem=idem, user_id=7, cost=2, request=make_request(7))
        submitted = await version.submit(new)
        assert submitted.job is not None
        return submitted.job

    return with_engine(url, work)


def graph_of(url: str, job: Job) -> str:
    async def work(engine: Engine) -> str:
        found = await engine.job(job.id)
        assert found is not None
        return found.graph

    return with_engine(url, work)


def test_without_yes_it_only_tells(run: Run, env: dict[str, str]) -> None:
    job = launched(env["REDIS_URL"], Judge(OLDER))
    told = run("job", "migrate", "--all", **env)
    assert told.exit_code == 0
    assert "would move" in told.output
    assert "add --yes" in told.output
    assert graph_of(env["REDIS_URL"], job) == OLDER.digest


def test_all_jobs_of_other_graphs_are_moved_and_there_is_no_second_time(
    run: Run, env: dict[str, str]
) -> None:
    old = launched(env["REDIS_URL"], Judge(OLDER))
    new = launched(env["REDIS_URL"], Judge(GRAPH), "another tap")
    done = run("job", "migrate", "--all", "--yes", **env)
    assert f"1 of 1 jobs moved to graph {GRAPH.digest}" in done.output
    assert new.id not in done.output
    assert graph_of(env["REDIS_URL"], old) == GRAPH.digest
    assert "0 of 0 jobs" in run("job", "migrate", "--all", "--yes", **env).output
    assert f"{OLDER.digest} → {GRAPH.digest}" in run("job", "show", old.id, **env).output


def test_back_to_a_graph_that_the_store_knows(run: Run, env: dict[str, str]) -> None:
    launched(env["REDIS_URL"], Judge(OLDER))
    new = launched(env["REDIS_URL"], Judge(GRAPH), "another tap")
    assert run("job", "migrate", "--to", OLDER.digest, "--yes", new.id, **env).exit_code == 0
    assert graph_of(env["REDIS_URL"], new) == OLDER.digest


def test_a_moved_job_is_checked_and_replayed_as_sound(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    launched(env["REDIS_URL"], Judge(OLDER))
    run("job", "migrate", "--all", "--yes", **env)
    assert run("check", **env).exit_code == 0
    log = tmp_path / "log.jsonl"
    assert run("log", "export", "--out", str(log), **env).exit_code == 0
    verified = run("log", "verify", str(log))
    assert verified.exit_code == 0, verified.output
    replayed = run("replay", str(log))
    assert replayed.exit_code == 0, replayed.output
    assert "same" in replayed.output


def test_who_cannot_be_moved_is_named(run: Run, env: dict[str, str]) -> None:
    done = run("job", "migrate", "0-nobody", "--yes", **env)
    assert done.exit_code == 1
    assert "there is no such job" in done.output
    assert "Name the jobs, or say --all" in sentence(run("job", "migrate", **env))
    assert "cannot read a graph nonsense" in sentence(
        run("job", "migrate", "--all", "--to", "nonsense", **env)
    )
