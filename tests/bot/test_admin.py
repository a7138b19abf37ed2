import re

import pytest

from bot.admin import alert_text, incident_text
from bot.menu import COMMANDS, publish_commands
from bot.texts import LANGUAGES, TEXT_LIMIT, load_texts
from engine.alerts import Alerts, Incident, Word
from engine.ports import Alert
from states.vocabulary import AlertKind
from tests.bot.hall import ADMIN, Hall, last
from tests.bot.words import NASTY, units, visible


def _incident(kind: str = "incident", text: str = "no balance") -> Incident:
    return Incident("f", kind, text, 0, 60_000, 1000, 0, 0, 0, ("0-job", "1-job"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", [*AlertKind, "support", "something-new"])
@pytest.mark.parametrize("word", list(Word))
def test_an_incident_says_what_how_often_and_what_to_do(lang: str, kind: str, word: Word) -> None:
    shown = visible(incident_text(load_texts(), lang, _incident(str(kind), NASTY * 200), word))
    assert 0 < units(shown) <= TEXT_LIMIT
    assert "000" in shown
    if word is not Word.RESOLVED:
        assert "/job 0-job\n/job 1-job" in shown
        assert "/resolve " in shown


def test_a_single_alert_has_the_words_of_an_incident_without_dates() -> None:
    shown = visible(alert_text(load_texts(), "en", Alert("f", "incident", "<b>empty</b>", "0-job")))
    assert "<b>empty</b>\n/job 0-job\n" in shown
    assert "UTC" not in shown


def test_what_stops_launches_names_the_command_that_brings_them_back() -> None:
    assert "/resume" in incident_text(load_texts(), "ru", _incident(), Word.NEW)


async def test_operators_see_open_incidents_with_counts_and_close_them(hall: Hall) -> None:
    chief = hall.person(ADMIN)
    desk = hall.desk.incidents
    assert isinstance(desk, Alerts)
    for number in range(3):
        await desk.raise_alert(Alert("balance", "incident", "<b>empty</b>", "0-job"), op=f"op{number}")
    await chief.send_text("/alerts")
    await hall.settle()
    assert "× 3" in last(chief).text
    assert "<b>empty</b>" in last(chief).text
    found = re.search(r"/resolve (\w+)", last(chief).text)
    assert found is not None
    await chief.send_text("/resolve nonsense")
    await hall.settle()
    assert "нет" in last(chief).text
    await chief.send_text(found[0])
    await hall.settle()
    assert "Инцидент закрыт" in last(chief).text
    assert await desk.open() == []


async def test_the_menu_speaks_each_language(hall: Hall) -> None:
    await publish_commands(hall.bot, load_texts())
    menus = {lang: [c["command"] for c in menu] for (_, lang), menu in hall.telegram.world.commands.items()}
    assert menus == {lang: list(COMMANDS) for lang in ("ru", "en", "")}
