import asyncio
from typing import Any

import pytest

from engine.values import EntryKind
from states.vocabulary import State
from tests.bot.hall import ADMIN, Hall, coffee, data_of, last, said, verbs


async def test_the_launch_makes_the_proposal_the_status_message(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna, caption="<b>&")
    tap = await hall.tap(anna, proposal, "go")
    (job,) = await hall.engine.jobs_of(anna.id)
    assert said(tap) == "Запущено ✅"
    assert job.status_message_id == proposal.message_id
    assert (job.request.prompt, job.request.template, job.cost) == ("<b>&", "spin", 1)
    assert "Заявка принята" in proposal.text
    assert "Место в очереди: 1." in proposal.text
    assert verbs(proposal) == {"st", "cn"}


async def test_twenty_taps_on_two_devices_are_one_job_and_one_hold(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    data = data_of(proposal, "go")
    taps = await asyncio.gather(*(anna.tap_anyway(proposal.message_id, data) for _ in range(20)))
    await hall.settle()
    assert len(await hall.engine.jobs_of(anna.id)) == 1
    account = await hall.engine.account(anna.id)
    assert (account.balance, account.held) == (1, 1)
    answers = [said(tap) for tap in taps]
    assert answers.count("Запущено ✅") == 1
    assert answers.count("Уже запущено: одна заявка, одно списание.") == 19


async def test_a_launch_that_was_stored_but_not_noted_is_still_one_job(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    draft = await hall.desk.drafts.load(anna.id)
    assert draft is not None
    data = data_of(proposal, "go")
    await hall.tap(anna, proposal, "go")
    await hall.desk.drafts.save(anna.id, draft)  # as if the process died right after the submit
    tap = await anna.tap_anyway(proposal.message_id, data)
    await hall.settle()
    assert "Уже запущено" in said(tap)
    assert len(await hall.engine.jobs_of(anna.id)) == 1


async def test_paused_launches_keep_the_draft_and_charge_nothing(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.engine.pause("no balance at the provider")
    tap = await hall.tap(anna, proposal, "go")
    assert "Ничего не списано" in said(tap)
    assert "Запуски ненадолго остановлены" in proposal.text
    assert "balance at the provider" not in proposal.text
    await hall.engine.unpause()
    await hall.tap(anna, proposal, "go")
    assert len(await hall.engine.jobs_of(anna.id)) == 1


async def test_missing_credits_are_named_and_the_draft_survives_a_top_up(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    models = [
        b["callback_data"] for row in proposal.buttons for b in row if b["callback_data"].startswith("md")
    ]
    await anna.tap(proposal.message_id, models[1])
    await hall.settle()
    tap = await hall.tap(anna, proposal, "go")
    assert "Не хватает кредитов" in said(tap)
    assert "Не хватает: 2 кредита" in proposal.text
    await hall.engine.grant(anna.id, 5, "payment:1", EntryKind.PAYMENT)
    await hall.tap(anna, proposal, "go")
    (job,) = await hall.engine.jobs_of(anna.id)
    assert job.cost == 4


async def test_too_many_live_jobs_are_told(hall: Hall) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    await hall.engine.grant(anna.id, 50, "payment:1", EntryKind.PAYMENT)
    for _ in range(6):
        await anna.send_photo(coffee())
        await hall.settle()
        proposal = last(anna)
        tap = await hall.tap(anna, proposal, "go")
    assert "уже делается несколько видео" in said(tap)
    assert "уже делается несколько видео" in proposal.text
    assert len(await hall.engine.live_jobs()) == 5


async def test_cancel_in_line_is_free_and_happens_once(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.tap(anna, proposal, "go")
    data = data_of(proposal, "cn")
    first = await anna.tap_anyway(proposal.message_id, data)
    again = await anna.tap_anyway(proposal.message_id, data)
    await hall.settle()
    assert "Отменено" in said(first)
    assert said(again)
    account = await hall.engine.account(anna.id)
    assert (account.balance, account.held) == (2, 0)
    (job,) = await hall.engine.jobs_of(anna.id)
    assert job.state is State.REFUNDED


async def test_a_stranger_cannot_cancel(hall: Hall) -> None:
    anna, boris = hall.person(), hall.person(2002)
    job = await hall.launch(anna)
    await boris.start()
    await hall.settle()
    for verb in ("cn", "st", "ag", "as", "gv"):
        tap = await boris.tap_anyway(last(boris).message_id, f"{verb}:{job.id}")
        await hall.settle()
        assert "Такой заявки у вас нет" in said(tap)
    live = await hall.engine.job(job.id)
    assert live is not None
    assert live.state is State.QUEUED


async def test_the_cancel_command(hall: Hall) -> None:
    anna = hall.person()
    await hall.launch(anna)
    await anna.send_text("/cancel")
    await hall.settle()
    assert "Заявка отменена" in last(anna).text
    assert "(1 вернулся в баланс). Баланс: 2 кредита." in last(anna).text
    await anna.send_text("/cancel")
    await hall.settle()
    assert "Отменять нечего" in last(anna).text


async def test_cancel_drops_the_draft_first_and_asks_about_the_jobs(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    await anna.send_photo(coffee())
    await hall.settle()
    await anna.send_text("/cancel")
    await hall.settle()
    dropped, asked = anna.chat.by_bot()[-2:]
    assert "Черновик удалён" in dropped.text
    tap = await anna.tap(asked.message_id, f"cn:{job.id}")
    await hall.settle()
    assert "Отменено" in said(tap)


async def test_refresh_shows_the_job_as_it_is(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.tap(anna, proposal, "go")
    (job,) = await hall.engine.jobs_of(anna.id)
    for pose, words in (
        ({"state": State.GENERATING}, "Генерирую видео…"),
        ({"state": State.RETRY_WAIT}, "Всё ещё работаю"),
        ({"state": State.SENDING}, "Видео готово, отправляю"),
        ({"state": State.REFUNDED, "last_reason": "no_product"}, "Товар не виден чётко"),
    ):
        hall.engine.pose(job.id, **pose)
        tap = await anna.tap_anyway(proposal.message_id, f"st:{job.id}")
        await hall.settle()
        assert words in proposal.text
        assert said(tap) == "Обновлено"
    hall.engine.pose(job.id, state=State.DONE)
    tap = await anna.tap_anyway(proposal.message_id, f"st:{job.id}")
    await hall.settle()
    assert "уже завершена" in said(tap)


async def test_a_job_that_moves_on_during_the_edit_is_shown_as_it_is(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    real = hall.engine.place_in_line

    async def started_meanwhile(job_id: str) -> int:
        place = await real(job_id)
        hall.engine.pose(job_id, state=State.GENERATING)
        return place

    monkeypatch.setattr(hall.engine, "place_in_line", started_meanwhile)
    await hall.tap(anna, proposal, "go")
    assert "Генерирую видео…" in proposal.text
    assert "cn" not in verbs(proposal)


async def test_again_and_another_style_are_new_orders_with_the_old_inputs(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    hall.engine.pose(job.id, state=State.DONE)
    again = await anna.tap_anyway(last(anna).message_id, f"ag:{job.id}")
    await hall.settle()
    assert said(again) == ""
    assert "Стиль: Вращение" in last(anna).text
    await anna.tap_anyway(last(anna).message_id, f"as:{job.id}")
    await hall.settle()
    assert "Стиль: Студия" in last(anna).text
    assert len(await hall.engine.jobs_of(anna.id)) == 1
    await hall.tap(anna, last(anna), "go")
    new, _ = await hall.engine.jobs_of(anna.id)
    assert new.request.photo == job.request.photo


async def test_get_my_video_is_free_and_begins_once(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    gone = await anna.tap_anyway(last(anna).message_id, f"gv:{job.id}")
    await hall.settle()
    assert said(gone) == ""
    assert "Этого видео уже нет" in last(anna).text
    hall.engine.pose(job.id, state=State.REFUNDED, video=_video())
    taps = [await anna.tap_anyway(last(anna).message_id, f"gv:{job.id}") for _ in range(5)]
    await hall.settle()
    new, old = await hall.engine.jobs_of(anna.id)
    assert (old.id, new.source_job, new.cost) == (job.id, job.id, 0)
    assert new.video == _video()
    assert [said(tap) for tap in taps].count("Видео уже отправляется.") == 4
    assert "Отправляю видео ещё раз" in last(anna).text
    assert new.status_message_id == last(anna).message_id
    assert (await hall.engine.account(anna.id)).held == 1


def _video() -> Any:
    from states.job import Video  # noqa: PLC0415  (one test needs it)

    return Video("https://example.org/v.mp4", 1, file_id="f", file_kind="video")


async def test_the_statement_names_the_job_of_every_line(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    await hall.engine.cancel(job.id, anna.id)
    await anna.send_text("/balance")
    await hall.settle()
    text = last(anna).text
    assert "Баланс: 2 кредита" in text
    assert text.count(job.id) == 2
    assert "подарок новому пользователю" in text


async def test_the_history_lists_jobs_and_offers_their_videos(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    hall.engine.pose(job.id, state=State.DONE, video=_video())
    await anna.send_text("/history")
    await hall.settle()
    assert job.id in last(anna).text
    assert "✅ готово" in last(anna).text
    assert verbs(last(anna)) == {"gv"}


async def test_the_longest_pages_fit_into_a_message(hall: Hall) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    for number in range(25):
        await hall.engine.grant(anna.id, 1000, f"payment:{number}", EntryKind.PAYMENT, "<&>" * 100)
    for number in range(12):
        await hall.tap(anna, await hall.begin(anna, caption="<b>&" * 100), "go")
        job = (await hall.engine.jobs_of(anna.id))[0]
        if number < 11:
            await hall.engine.cancel(job.id, anna.id)
    for command in ("/history", "/balance", "/cancel"):
        await anna.send_text(command)
        await hall.settle()
        assert last(anna).text
    chief = hall.person(ADMIN)
    await chief.send_text(f"/job {job.id}")
    await hall.settle()
    assert job.id in last(chief).text
