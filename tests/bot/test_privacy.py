"""/delete (trap T33): photos, videos and words go, the books stay, and nobody else loses anything."""

from dataclasses import replace

from bot.drafts import Phase
from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.packing import unpacked
from engine.values import EntryKind
from states.job import Job, ProviderTask, TaskStatus, Video
from states.vocabulary import State
from tests.bot.hall import Hall, last, said, verbs

WORDS = "секретная кружка с гравировкой"
SHA = "ab" * 32
VIDEO = Video("https://x.example/film.mp4", 1, sha256=SHA, file_id="BAACfilm", file_kind="video")


async def _ended(hall: Hall, user_id: int = 1001) -> Job:
    """A cancelled job whose video turned up late all the same: as much as a job can know."""
    anna = hall.person(user_id)
    await hall.engine.grant(anna.id, 20, "gift", EntryKind.GRANT)
    await hall.tap(anna, await hall.begin(anna, WORDS), "go")
    job = (await hall.engine.jobs_of(anna.id))[0]
    await hall.engine.cancel(job.id, anna.id)
    over = await hall.engine.job(job.id)
    assert over is not None
    task = ProviderTask(1, "m", "k", TaskStatus.OPEN, 0, "task-1")
    await hall.engine.store.late(replace(over, video=VIDEO, tasks=(task,)))
    return job


async def _kept(hall: Hall) -> str:
    """Everything the store holds, as text."""
    link, found = hall.engine.store.connection, []
    for key in await link.command("KEYS", "*"):
        kind = (await link.command("TYPE", key)).decode()
        reads = {
            "string": ("GET",),
            "hash": ("HGETALL",),
            "list": ("LRANGE", 0, -1),
            "zset": ("ZRANGE", 0, -1),
        }
        name, *rest = reads.get(kind, ("XRANGE", "-", "+"))
        held = await link.command(name, key, *rest)
        found.append(f"{key!r} {unpacked(held) if kind == 'string' else held!r}")
    return "\n".join(found).encode("utf-8", "replace").decode()


async def _delete(hall: Hall, user_id: int = 1001) -> str:
    anna = hall.person(user_id)
    await anna.send_text("/delete")
    await hall.settle()
    assert "Удалить ваши данные?" in last(anna).text
    tap = await hall.tap(anna, last(anna), "er")
    assert said(tap) == ""
    return last(anna).text


async def test_what_a_person_gave_and_got_is_gone_and_the_books_stay(hall: Hall) -> None:
    job = await _ended(hall)
    anna = hall.person()
    photo = (await hall.engine.jobs_of(anna.id))[0].request.photo
    books = (await hall.engine.account(anna.id), await hall.engine.statement(anna.id, 50))
    history = await hall.engine.history(job.id)
    before = await _kept(hall)
    assert photo in before
    assert repr(WORDS.encode())[2:-1] in before
    assert "Очищено заявок: 1" in await _delete(hall)
    kept = await _kept(hall)
    for gone in (photo, repr(WORDS.encode())[2:-1], "film.mp4", "BAACfilm", "task-1"):
        assert gone not in kept
    bare = (await hall.engine.jobs_of(anna.id))[0]
    assert (bare.request.photo, bare.request.prompt, bare.video, bare.tasks) == ("", "", None, ())
    assert (bare.state, bare.cost, bare.hold) == (State.REFUNDED, job.cost, bare.hold)
    assert (await hall.engine.account(anna.id), await hall.engine.statement(anna.id, 50)) == books
    assert await hall.engine.history(job.id) == history
    assert hall.engine.dropped == (SHA,)


async def test_the_store_still_keeps_every_rule_and_forgets_the_job_in_time(
    hall: Hall, redis_url: str
) -> None:
    job = await _ended(hall)
    await _delete(hall)
    async with await StoreReader.open(redis_url) as reader:
        assert (await check_store(reader)).findings == ()
    prefix = hall.engine.store.prefix_of_user(1001)
    assert await hall.engine.store.connection.command("EXISTS", f"{prefix}:p:{job.id}") == 0
    for part in "jdh":
        assert await hall.engine.store.connection.command("PTTL", f"{prefix}:{part}:{job.id}") > 0


async def test_a_second_time_finds_nothing_more(hall: Hall) -> None:
    await _ended(hall)
    await _delete(hall)
    before = await hall.engine.jobs_of(1001)
    await _delete(hall)
    assert await hall.engine.jobs_of(1001) == before


async def test_the_draft_goes_too(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna, WORDS)
    assert "Очищено заявок: 0" in await _delete(hall)
    assert await hall.desk.drafts.load(anna.id) is None
    assert verbs(proposal) == set()


async def test_a_job_in_work_is_named_and_left_alone(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    assert "Ещё в работе: 1" in await _delete(hall)
    assert await hall.engine.job(job.id) == job


async def test_what_is_gone_cannot_be_repeated_or_got(hall: Hall) -> None:
    job = await _ended(hall)
    anna = hall.person()
    await _delete(hall)
    for verb in ("ag", "as", "gv"):
        tap = await anna.tap_anyway(last(anna).message_id, f"{verb}:{job.id}")
        await hall.settle()
        assert tap.answer is not None
        assert "уже нет" in last(anna).text
    draft = await hall.desk.drafts.load(anna.id)
    assert draft is None or draft.phase is not Phase.CHOICE


async def test_nobody_elses_data_is_touched(hall: Hall) -> None:
    await _ended(hall)
    await _ended(hall, 1002)
    before = await hall.engine.jobs_of(1002)
    await _delete(hall)
    assert await hall.engine.jobs_of(1002) == before
