from dataclasses import replace

from engine.clock import ManualClock
from engine.errors import Refusal
from engine.ports import Notice
from states.job import Hint, Job, ProviderTask, TaskStatus, Video
from states.vocabulary import NoticeKind, State
from tests.factories import EDGES, GRAPH, LEASE_MS, Bench


async def _generating(bench: Bench) -> Job:
    await bench.queued()
    return await bench.moved(await bench.claim(), "queued/start", State.GENERATING)


def _notice(job: Job) -> Notice:
    return Notice(f"{job.id}:1-patience:0", NoticeKind.PATIENCE, job.id, 7, 7, "ru", 5, {})


async def test_a_note_is_a_checkpoint_and_the_same_note_twice_is_one(bench: Bench) -> None:
    job = await _generating(bench)
    task = ProviderTask(1, "m1", "k1", TaskStatus.INTENT, bench.clock.now_ms())
    noted = replace(job, tasks=(task,), told=frozenset({NoticeKind.PATIENCE}))
    assert await bench.store.note(noted, [_notice(job)]) == noted
    before = await bench.dump()
    assert await bench.store.note(noted, [_notice(job)]) == noted
    assert await bench.dump() == before
    assert await bench.store.read(job.id) == noted


async def test_an_older_note_that_comes_again_late_brings_nothing_back(bench: Bench) -> None:
    """Its first sending timed out and was repeated elsewhere; the packet arrives after the next note."""
    job = await _generating(bench)
    notes = [replace(job, send_attempts=n, told=frozenset({NoticeKind.PATIENCE})) for n in range(1, 5)]
    for noted in notes:
        assert await bench.store.note(noted, [_notice(job)]) == noted
    before = await bench.dump()
    for late in notes:
        assert await bench.store.note(late, [_notice(job)]) == late
    assert await bench.dump() == before
    assert await bench.store.read(job.id) == notes[-1]


async def test_the_memory_of_notes_stays_small(bench: Bench) -> None:
    """A longer word would make the store keep the job's small hash in a far larger form."""
    job = await _generating(bench)
    for n in range(1, 12):
        await bench.store.note(replace(job, send_attempts=n))
    held = await bench.store.connection.command("HGET", f"{bench.store.prefix(0)}:j:{job.id}", "op")
    assert len(held) <= 64


async def test_a_stale_note_changes_nothing(bench: Bench) -> None:
    job = await _generating(bench)
    before = await bench.dump()
    assert await bench.store.note(replace(job, epoch=7)) is Refusal.FENCED
    assert await bench.store.note(replace(job, seq=7)) is Refusal.STALE
    assert await bench.store.note(replace(job, id="0-nobody")) is Refusal.GONE
    assert await bench.dump() == before


async def test_a_park_is_fenced_and_repeats_harmlessly(bench: Bench, clock: ManualClock) -> None:
    job = await _generating(bench)
    before = await bench.dump()
    assert await bench.store.park(replace(job, epoch=0), clock.now_ms()) is Refusal.FENCED
    assert await bench.store.park(replace(job, seq=0), clock.now_ms()) is Refusal.STALE
    assert await bench.store.park(replace(job, id="0-nobody"), clock.now_ms()) is Refusal.GONE
    assert await bench.dump() == before
    assert await bench.store.park(job, clock.now_ms() + 5000) is None
    parked = await bench.dump()
    assert await bench.store.park(job, clock.now_ms() + 9000) is None
    assert await bench.dump() == parked


async def test_a_parked_queued_job_is_first_in_line_again(bench: Bench, clock: ManualClock) -> None:
    first = await bench.queued(idem="a")
    second = await bench.queued(idem="b")
    claimed = await bench.claim()
    assert await bench.store.park(claimed, clock.now_ms()) is None
    assert [await bench.store.place_in_line(j.id) for j in (first, second)] == [1, 2]
    assert (await bench.claim()).id == first.id


async def test_a_park_uses_up_the_hints_it_saw(bench: Bench, clock: ManualClock) -> None:
    job = await _generating(bench)
    await bench.store.hint(job.id, Hint("returned"))
    await bench.store.park(job, clock.now_ms() + 5000)
    job = await bench.claim()
    assert len(job.hints) == 1
    await bench.store.park(replace(job, hints=()), clock.now_ms() + 5000, hints_seen=1)
    assert (await bench.store.claim("w", partition=0, lease_ms=1, queued_ok=True)).job is None


async def test_beats_renew_what_is_held_and_name_what_is_lost(bench: Bench, clock: ManualClock) -> None:
    mine = await _generating(bench)
    clock.advance(10)
    pairs = [(mine.id, mine.epoch), ("0-nobody", 1), (mine.id, 9)]
    assert await bench.store.beat("w1", pairs, lease_ms=LEASE_MS) == ["0-nobody", mine.id]
    assert await bench.store.beat("w2", [(mine.id, mine.epoch)], lease_ms=LEASE_MS) == [mine.id]
    clock.advance(10)
    assert (await bench.store.claim("w2", partition=0, lease_ms=1, queued_ok=True)).job is None
    clock.advance(5)
    assert (await bench.store.claim("w2", partition=0, lease_ms=1, queued_ok=True)).lost
    assert await bench.store.beat("w1", [(mine.id, mine.epoch)], lease_ms=LEASE_MS) == [mine.id]


async def test_hints_are_kept_once_and_only_for_living_jobs(bench: Bench) -> None:
    job = await _generating(bench)
    hint = Hint("callback", 1, "t1")
    assert await bench.store.hint(job.id, hint) is None
    before = await bench.dump()
    assert await bench.store.hint(job.id, hint) is None
    assert await bench.store.hint("0-nobody", hint) is Refusal.GONE
    assert await bench.store.hint("../etc/passwd", hint) is Refusal.GONE
    assert await bench.dump() == before
    await bench.moved(job, "generating/refund", State.REFUNDED)
    ended = await bench.dump()
    assert await bench.store.hint(job.id, hint) is Refusal.STALE
    assert await bench.dump() == ended


async def test_late_facts_go_to_ended_jobs_only(bench: Bench) -> None:
    job = await _generating(bench)
    late = replace(job, video=Video("https://v.example/1.mp4", 1))
    before = await bench.dump()
    assert await bench.store.late(late) is Refusal.STALE
    assert await bench.dump() == before
    ended = await bench.moved(job, "generating/refund", State.REFUNDED)
    late = replace(ended, video=late.video)
    assert await bench.store.late(late, [_notice(job)]) == late
    assert await bench.store.read(job.id) == late
    told = await bench.dump()
    assert await bench.store.late(late, [_notice(job)]) == late
    assert {k: v[0] for k, v in (await bench.dump()).items()} == {k: v[0] for k, v in told.items()}


async def test_a_graph_is_written_once(bench: Bench) -> None:
    before = await bench.dump()
    await bench.store.register_graph(GRAPH, EDGES)
    await bench.store.register_graph(GRAPH, [("queued/start", "queued", "done")])
    assert await bench.dump() == before


async def test_reads_of_unknown_jobs_are_empty(bench: Bench) -> None:
    assert await bench.store.read("0-nobody") is None
    assert await bench.store.read("nonsense") is None
    assert await bench.store.history("0-nobody") == []
    assert await bench.store.history("nonsense") == []
    assert await bench.store.place_in_line("0-nobody") == 0
    assert await bench.store.place_in_line("nonsense") == 0
    assert await bench.store.jobs_of(99) == []


async def test_what_cannot_be_a_job_of_this_store_is_gone(bench: Bench) -> None:
    job = replace(await bench.queued(), id="nonsense")
    assert await bench.store.park(job, 0) is Refusal.GONE
    assert await bench.store.note(job) is Refusal.GONE
    assert await bench.store.late(job) is Refusal.GONE
