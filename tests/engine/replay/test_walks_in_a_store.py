"""Every edge in a real store: Redis lets it pass, the money goes where it should, the history replays."""

from collections.abc import Mapping
from dataclasses import replace

from engine.codec import encode
from engine.replay.cover import coverage
from engine.replay.drive import Drive
from engine.replay.replayer import Replayer
from engine.replay.values import Verdict
from engine.replay.walks import Walk, edge_walks
from engine.store import Store
from engine.store_export import histories
from engine.values import EntryKind, NewJob
from states.decide import Decision
from states.graph import GRAPH
from states.job import Job
from states.vocabulary import TERMINALS
from tests.engine.fakes import World, make_world

WALKS = edge_walks(GRAPH)
USER = 7


async def _walked(world: World, walk: Walk, number: int) -> Job:
    """A walk committed step by step by the holder of its lease; the job as the store has it at last."""
    drive = Drive(walk, seed=number)
    shift_ms = world.clock.now_ms() - drive.now
    drive.now += shift_ms
    drive.job = replace(
        drive.job,
        id=world.store.new_job_id(USER),
        created_ms=drive.now,
        deadline_ms=drive.job.deadline_ms + shift_ms,
        rendered_ms=drive.now if drive.job.video else 0,
    )
    steps = drive.records()
    new = NewJob(f"walk-{number}", USER, drive.job.cost, drive.job.request)
    made = await world.store.submit(new, drive.job, next(steps), max_live=1)
    assert made.job is not None, made
    claim = await world.store.claim("w", partition=0, lease_ms=15_000, queued_ok=True)
    assert claim.job is not None
    job = claim.job
    for row in steps:
        made_by = drive.decisions[-1]
        world.clock.set(max(drive.now, world.clock.now_ms()))
        answer = await world.store.commit(
            replace(made_by.before, epoch=job.epoch),
            replace(made_by.after, epoch=job.epoch),
            edge_id=made_by.edge.id,
            op=f"{job.epoch}:{made_by.after.seq}:{made_by.edge.trigger}",
            record=row,
            keep_lease=made_by.after.state not in TERMINALS,
        )
        assert isinstance(answer, Job), (made_by.edge.id, answer)
        await _knows_it_again(world, made_by, row)
        job = answer
    return job


async def _knows_it_again(world: World, made_by: Decision, record: Mapping[str, object]) -> None:
    """The row of a transition is found by its operation, and by no other one's."""
    before, seq, event = made_by.before, made_by.after.seq, made_by.edge.trigger
    stored = await world.store.read(before.id)
    assert stored is not None
    epoch = stored.epoch
    for op, answer in (
        (f"{epoch}:{seq}:{event}", "ok"),
        (f"{epoch}:{seq}:other", "stale"),
        (f"{epoch + 1}:{seq}:{event}", "stale"),
        (f"{epoch}:{seq + 1}:{event}", "stale"),
        (f"{epoch}:{event}", "stale"),
    ):
        again = await world.store.commit(
            replace(before, epoch=epoch), replace(made_by.after, epoch=epoch),
            edge_id=made_by.edge.id, op=op, record=record,
        )  # fmt: skip
        assert ("ok" if isinstance(again, Job) else again.value) == answer, op


async def test_every_edge_passes_a_real_store_and_replays(store: Store) -> None:
    world = await make_world(store)
    await world.engine.grant(USER, 10_000, "gift", EntryKind.GRANT)
    ends = [await _walked(world, walk, number) for number, walk in enumerate(WALKS)]
    assert all(job.state in TERMINALS for job in ends)
    rows = [row async for own in histories(store) for row in own]
    found = coverage(rows, GRAPH)
    assert (found.missed, found.foreign) == ((), {})
    assert len(found.fired) == len(GRAPH.edges) - len(found.unreachable)
    replayer = Replayer()
    replayer.feed(map(encode, rows))
    report = replayer.finish()
    assert [finding.sentence() for finding in report.findings] == []
    assert report.jobs == {Verdict.SAME: len(WALKS)}
    captured = sum(job.cost for job in ends if job.state == "done")
    account = await world.engine.account(USER)
    assert (account.balance, account.held) == (10_000 - captured, 0)
