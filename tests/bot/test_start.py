from tests.bot.hall import ADMIN, Hall, last, open_hall, said


async def test_a_new_user_gets_trial_credits_once_and_hears_what_a_good_photo_is(hall: Hall) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    first = last(anna).text
    assert "Подарок для начала: 2 кредита. Баланс: 2 кредита." in first
    assert "Какое фото подойдёт" in first
    await anna.start("ref_x")
    await hall.settle()
    assert "Подарок" not in last(anna).text
    assert (await hall.engine.account(anna.id)).balance == 2


async def test_the_language_follows_telegram_until_it_is_chosen(hall: Hall) -> None:
    anna = hall.person()
    anna.speak("pt-br")
    await anna.start()
    await hall.settle()
    assert "Videos from a photo" in last(anna).text
    await anna.send_text("/language")
    await hall.settle()
    await hall.tap(anna, last(anna), "lg", "ru")
    assert "дальше по-русски" in last(anna).text
    await anna.send_text("/help")
    await hall.settle()
    assert "Как это работает" in last(anna).text


async def test_every_page_answers(hall: Hall) -> None:
    anna = hall.person()
    for command in (
        "/help",
        "/terms",
        "/support",
        "/paysupport",
        "/balance",
        "/history",
        "/cancel",
        "/language",
    ):
        before = len(anna.chat.by_bot())
        await anna.send_text(command)
        await hall.settle()
        assert len(anna.chat.by_bot()) == before + 1, command


async def test_a_question_reaches_the_admins_when_there_is_no_handle(hall: Hall) -> None:
    anna = hall.person()
    await anna.send_text("/support где <b>видео</b>?")
    await hall.settle()
    assert "Вопрос передан" in last(anna).text
    assert [alert.kind for alert in hall.engine.alerted] == ["support"]
    assert "где <b>видео</b>?" in hall.engine.alerted[0].text


async def test_a_support_handle_is_a_link_that_carries_the_job(redis_url: str) -> None:
    async with open_hall(redis_url, support="@shop_help") as hall:
        anna = hall.person()
        job = await hall.launch(anna)
        await anna.send_text("/support")
        await hall.settle()
        assert last(anna).buttons[0][0]["url"] == f"https://t.me/shop_help?text={job.id}"


async def test_old_and_foreign_buttons_are_answered(hall: Hall) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    for data in ("zz:1:2", "", "go:gone:1", "cn:0-nobody", "lg:::xx", "gv:x"):
        tap = await anna.tap_anyway(last(anna).message_id, data or "?")
        await hall.settle()
        assert said(tap)


async def test_admin_commands_do_not_exist_for_others(hall: Hall) -> None:
    anna, chief = hall.person(), hall.person(ADMIN)
    await anna.send_text("/pause because")
    await hall.settle()
    assert "Такой команды нет" in last(anna).text
    assert await hall.engine.paused() == ""
    await chief.send_text("/pause <b>кончились</b> деньги")
    await hall.settle()
    assert await hall.engine.paused() == "<b>кончились</b> деньги"
    assert "<b>кончились</b>" in last(chief).text
    await chief.send_text("/resume")
    await hall.settle()
    assert await hall.engine.paused() == ""


async def test_admins_look_at_jobs_and_grant_once(hall: Hall) -> None:
    anna, chief = hall.person(), hall.person(ADMIN)
    job = await hall.launch(anna)
    await chief.send_text(f"/job {job.id}")
    await hall.settle()
    assert job.id in last(chief).text
    assert "queued" in last(chief).text
    await chief.send_text("/alerts")
    await hall.settle()
    assert "Всё спокойно" in last(chief).text
    await chief.send_text(f"/grant {anna.id} 5 извинение <3")
    await hall.settle()
    assert "Начислено: 5" in last(chief).text
    assert (await hall.engine.account(anna.id)).balance == 6
    for wrong in (
        "/grant",
        "/grant x 5 y",
        f"/grant {anna.id} -5 y",
        f"/grant {anna.id} 5",
        "/pause",
        "/job",
    ):
        await chief.send_text(wrong)
        await hall.settle()
        assert "Так не понять" in last(chief).text, wrong


async def test_operators_answer_a_question_in_the_users_chat(hall: Hall) -> None:
    anna, chief = hall.person(), hall.person(ADMIN)
    await anna.start()
    await hall.settle()
    await chief.send_text(f"/answer {anna.id} уже <b>чиним</b>")
    await hall.settle()
    assert "уже <b>чиним</b>" in last(anna).text
    assert "Ответ отправлен" in last(chief).text
    await anna.block()
    await chief.send_text(f"/answer {anna.id} снова")
    await hall.settle()
    assert "Ответ не дошёл" in last(chief).text
