"""`reelstate check` from the outside: exit codes, the report, dumps and data directories."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.embedded import EmbeddedConfig, EmbeddedServer
from engine.connection import Connection
from engine.front import Engine
from engine.store_aside import SetAside
from engine.values import EntryKind, NewJob
from states.job import Job
from tests.bot.commands.conftest import Run, sentence, with_engine
from tests.factories import make_request


@pytest.fixture
def env(redis_url: str) -> Iterator[dict[str, str]]:
    yield {"REDIS_URL": redis_url, "REELSTATE_PARTITIONS": "1"}
    _command(redis_url, "FLUSHALL")


def _command(url: str, *words: str | int) -> Any:
    async def work() -> Any:
        async with Connection(url) as link:
            return await link.command(*words)

    return asyncio.run(work())


def _launched(url: str) -> Job:
    async def work(engine: Engine) -> Job:
        await engine.grant(7, 5, "gift", EntryKind.GRANT)
        submitted = await engine.submit(NewJob(idem="tap", user_id=7, cost=2, request=make_request(7)))
        assert submitted.job is not None
        return submitted.job

    return with_engine(url, work)


def _damage(url: str, job: Job) -> None:
    _command(url, "HSET", f"{{1768}}:j:{job.id}", "cost", 1)


def test_a_sound_store_is_told_with_exit_code_0(run: Run, env: dict[str, str]) -> None:
    _launched(env["REDIS_URL"])
    result = run("check", **env)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "nothing broken: 1 users, 1 jobs" in result.output


def test_damage_is_told_with_rule_job_and_entry(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    _damage(env["REDIS_URL"], job)
    result = run("check", **env)
    assert result.exit_code == 1
    assert "I3.amount" in result.output
    assert job.id in result.output
    assert "2 broken" in result.output


def test_json_lines_tell_each_finding_and_the_summary(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    _damage(env["REDIS_URL"], job)
    *findings, summary = map(json.loads, run("check", "--json", **env).output.splitlines())
    assert {(f["rule"], f["job"]) for f in findings} == {("I3.amount", job.id), ("I2.jobs", "")}
    assert all(f["rule_says"] for f in findings)
    assert (summary["clean"], summary["findings"], summary["jobs"]) == (False, 2, 1)


def test_nothing_is_mended_unless_asked_for(run: Run, env: dict[str, str]) -> None:
    url = env["REDIS_URL"]
    job = _launched(url)
    _damage(url, job)

    def aside() -> list[SetAside]:
        return with_engine(url, lambda engine: engine.store.quarantined())

    run("check", **env)
    run("check", "--fix-nothing", **env)
    assert aside() == []
    result = run("check", "--quarantine", **env)
    assert f"set aside: {job.id}" in result.output
    assert [(one.job_id, one.why[:9]) for one in aside()] == [(job.id, "I3.amount")]
    assert _command(url, "ZSCORE", "{1768}:ob:lanes", "@admin") is not None


def test_a_dump_is_written_and_judged_without_the_store(run: Run, env: dict[str, str]) -> None:
    job = _launched(env["REDIS_URL"])
    _damage(env["REDIS_URL"], job)
    written = run("check", "--write-dump", "store.jsonl.gz", **env)
    assert (written.exit_code, "keys" in written.output) == (0, True)
    _command(env["REDIS_URL"], "FLUSHALL")
    result = run("check", "--dump", "store.jsonl.gz", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output.splitlines()[0])["rule"] == "I2.jobs"


def test_findings_in_a_dump_of_a_store_in_use_prove_nothing(run: Run, env: dict[str, str]) -> None:
    _damage(env["REDIS_URL"], _launched(env["REDIS_URL"]))
    run("check", "--write-dump", "d", **env)
    text = Path("d").read_text()
    Path("d").write_text(text.replace('"moved":false', '"moved":true'))
    result = run("check", "--dump", "d")
    assert result.exit_code == 2
    assert "in use while it was dumped" in result.output


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_data_directory_is_judged_on_a_copy(run: Run, tmp_path: Path, snapshot: bool) -> None:
    place = tmp_path / "v"
    with EmbeddedServer(EmbeddedConfig(place)) as server:
        job = _launched(server.url)
        _damage(server.url, job)
        if snapshot:
            _command(server.url, "SAVE")
    if snapshot:
        for file in (place / "appendonlydir").iterdir():
            file.unlink()
        (place / "appendonlydir").rmdir()
    before = sorted(str(path) for path in place.rglob("*"))
    result = run("check", "--data-dir", str(place))
    assert result.exit_code == 1
    assert "I3.amount" in result.output
    assert sorted(str(path) for path in place.rglob("*")) == before


def test_what_cannot_be_judged_is_one_sentence(run: Run, redis_url: str, tmp_path: Path) -> None:
    assert "no store on this server" in sentence(run("check", REDIS_URL=redis_url))
    assert "neither appendonlydir/ nor dump.rdb" in sentence(run("check", "--data-dir", str(tmp_path)))
    assert "Cannot read none" in sentence(run("check", "--dump", "none"))
    assert "one of --dump" in sentence(run("check", "--dump", "a", "--data-dir", "b"))
    assert "live store only" in sentence(run("check", "--dump", "a", "--quarantine"))
    assert "did not answer" in sentence(run("check", REDIS_URL="unix:///nowhere/at/all"))


def test_a_dump_that_cannot_be_written_is_one_sentence(run: Run, env: dict[str, str]) -> None:
    _launched(env["REDIS_URL"])
    assert "Cannot write no/such/d" in sentence(run("check", "--write-dump", "no/such/d", **env))
