"""Every button and every command, pressed or written by somebody it does not belong to."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command

from adapters.sandbox.telegram_person import Person
from adapters.sandbox.telegram_state import SandboxMessage
from bot.admin import make_router as admin_router
from bot.routers import make_dispatcher
from bot.taps import DRAFT_VERBS, JOB_VERBS, Verb
from engine.values import EntryKind
from states.job import Job, Video
from states.vocabulary import State
from tests.bot.hall import Hall, data_of, last, said

VIDEO = Video("https://x.example/film.mp4", 1, sha256="a" * 64, file_id="film", file_kind="video")
JUNK = (
    *(
        "",
        ":",
        "::::",
        "zz:1",
        "go",
        "cn:",
        "cn::1:x",
        "go:" + "t" * 22,
        "cn:" + "9" * 500,
        "gv:\x00",
        "st:'; --",
    ),
    *(
        "lg:::xx",
        "lg:::" + "x" * 200,
        "tp:a:99999999999999999999:b",
        "md:a:-1:c",
        "go:a:١:b",
        "cn:0-<b>",
        "🙈" * 40,
    ),
)
GROUP = {"id": -100_500, "type": "supergroup", "title": "Чат"}


def commands(router: Router) -> Iterator[str]:
    """Every command any handler below this router takes."""
    for handler in router.message.handlers:
        for each in handler.filters or ():
            if isinstance(each.callback, Command):
                yield from (str(word) for word in each.callback.commands)
    for inner in router.sub_routers:
        yield from commands(inner)


async def anna_at_work(hall: Hall) -> tuple[Person, Job, SandboxMessage, SandboxMessage]:
    """Anna with a job and another proposal: her job, its status message, the proposal."""
    anna = hall.person(1001)
    await hall.engine.grant(anna.id, 20, "gift", EntryKind.GRANT)
    job = await hall.launch(anna)
    status = last(anna)
    proposal = await hall.begin(anna)
    return anna, job, status, proposal


async def everything_of(hall: Hall, anna: Person) -> Any:
    """What may not change by anything a stranger does."""
    engine = hall.engine
    return (
        await engine.jobs_of(anna.id, 50),
        await engine.account(anna.id),
        await engine.statement(anna.id, 50),
        await hall.desk.drafts.load(anna.id),
        [(message.message_id, message.body) for message in anna.chat.by_bot()],
        await engine.paused(),
        engine.alerted,
    )


async def pressed(hall: Hall, who: Person, data: str) -> str:
    """What a tap with this data, under some message of theirs, was answered with."""
    tap = await who.tap_anyway(last(who).message_id, data)
    await hall.settle()
    return said(tap)


@pytest.mark.parametrize("verb", sorted(JOB_VERBS))
@pytest.mark.parametrize("state", [State.QUEUED, State.RETRY_WAIT, State.DONE])
async def test_a_strangers_job_button_does_nothing(hall: Hall, verb: Verb, state: State) -> None:
    anna, job, _, _ = await anna_at_work(hall)
    hall.engine.pose(job.id, state=state, video=VIDEO if state is State.DONE else None)
    boris = hall.person(1002)
    await boris.start()
    await hall.settle()
    before, heard = await everything_of(hall, anna), len(boris.chat.by_bot())
    answer = await pressed(hall, boris, f"{verb}:{job.id}")
    assert await everything_of(hall, anna) == before
    assert "нет" in answer
    assert len(boris.chat.by_bot()) == heard, "and it tells nothing of the job"
    assert await hall.engine.jobs_of(boris.id) == []


@pytest.mark.parametrize("verb", sorted(DRAFT_VERBS))
async def test_a_strangers_draft_button_does_nothing(hall: Hall, verb: Verb) -> None:
    anna, _, _, proposal = await anna_at_work(hall)
    boris = hall.person(1002)
    await hall.begin(boris)
    own = await hall.desk.drafts.load(boris.id)
    before = await everything_of(hall, anna)
    stolen = data_of(proposal, "go").removeprefix("go")
    answer = await pressed(hall, boris, f"{verb}{stolen}")
    assert "устарела" in answer
    assert await everything_of(hall, anna) == before
    assert await hall.desk.drafts.load(boris.id) == own
    assert await hall.engine.jobs_of(boris.id) == []


@pytest.mark.parametrize("verb", sorted(DRAFT_VERBS))
async def test_yesterdays_button_of_ones_own_only_says_so(hall: Hall, verb: Verb) -> None:
    anna = hall.person()
    old = data_of(await hall.begin(anna), "go").removeprefix("go")
    await hall.begin(anna)
    before = await hall.desk.drafts.load(anna.id)
    assert "устарела" in await pressed(hall, anna, f"{verb}{old}")
    assert await hall.desk.drafts.load(anna.id) == before
    assert (await hall.engine.account(anna.id)).held == 0


@pytest.mark.parametrize("data", JUNK)
async def test_forged_and_malformed_data_is_answered_and_harmless(hall: Hall, data: str) -> None:
    anna, _, _, _ = await anna_at_work(hall)
    before = await everything_of(hall, anna)
    boris = hall.person(1002)
    await boris.start()
    await hall.settle()
    assert await pressed(hall, boris, data)
    assert await everything_of(hall, anna) == before


async def test_every_verb_is_looked_at_here() -> None:
    about_oneself = {Verb.NEW_PHOTO, Verb.BALANCE, Verb.LANGUAGE, Verb.ERASE}
    assert set(Verb) - DRAFT_VERBS - JOB_VERBS - about_oneself == set(), "a new one wants its test"


async def test_operators_commands_do_not_exist_for_others(hall: Hall) -> None:
    anna, job, _, _ = await anna_at_work(hall)
    names = sorted(set(commands(admin_router(hall.desk))))
    assert {"grant", "pause", "resume", "job", "answer", "alerts", "resolve"} <= set(names)
    boris = hall.person(1002)
    await boris.start()
    await hall.settle()
    before, own = await everything_of(hall, anna), await hall.engine.account(boris.id)
    for name in names:
        for words in ("", f" {boris.id} 500 please", f" {job.id}", " why", f" {anna.id} hello"):
            await boris.send_text(f"/{name}{words}")
            await hall.settle()
            assert "Такой команды нет" in last(boris).text, f"/{name}{words}"
            assert job.id not in last(boris).text
    assert await everything_of(hall, anna) == before
    assert await hall.engine.account(boris.id) == own


async def test_no_command_of_a_stranger_touches_another_user(hall: Hall) -> None:
    anna, job, _, _ = await anna_at_work(hall)
    boris = hall.person(1002)
    before = await everything_of(hall, anna)
    for name in sorted(set(commands(make_dispatcher(hall.desk)))):
        for words in ("", f" {anna.id}", f" {job.id}", " ref_" + "x" * 64, " <b>&"):
            await boris.send_text(f"/{name}{words}")
            await hall.settle()
            assert last(boris).text, name
            assert job.id not in last(boris).text
    after = await everything_of(hall, anna)
    assert after[:5] == before[:5]


async def test_a_group_learns_nothing_and_changes_nothing(hall: Hall) -> None:
    """Whoever writes in a group: balances and jobs of its members are nobody's business."""
    anna, job, _, _ = await anna_at_work(hall)
    before = await everything_of(hall, anna)
    group = hall.person(int(str(GROUP["id"])))
    group.chat.started = True
    for words in ("/balance", "/history", "/cancel", "/start", "/grant 1001 5 x", "привет"):
        written = {"message_id": 7, "from": anna.chat.person(), "chat": GROUP, "date": 0, "text": words}
        await hall.telegram.world.updates.put("message", written)
        await hall.settle()
    texts = [message.text for message in group.chat.by_bot()]
    assert all(job.id not in text and "кредит" not in text for text in texts)
    assert len(texts) <= 6
    assert await everything_of(hall, anna) == before
