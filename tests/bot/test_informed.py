from dataclasses import dataclass, field

from bot.informed import Informed
from engine.ports import Failed, Notice, Told
from states.vocabulary import NoticeKind
from tests.bot.hall import Hall


@dataclass
class Ear:
    heard: list[Notice] = field(default_factory=list)

    async def tell(self, notice: Notice) -> Told | Failed:
        self.heard.append(notice)
        return Told()


async def _heard(hall: Hall, kind: NoticeKind, job_id: str, user_id: int) -> dict[str, object]:
    ear = Ear()
    notice = Notice("n", kind, job_id, user_id, user_id, "ru", 1, {"returned": 1})
    await Informed(ear, hall.engine, hall.shelf).tell(notice)
    return dict(ear.heard[0].data)


async def test_a_notice_learns_the_new_balance_and_the_models_name(hall: Hall) -> None:
    anna = hall.person()
    job = await hall.launch(anna)
    await hall.engine.cancel(job.id, anna.id)
    data = await _heard(hall, NoticeKind.OVERLOADED, job.id, anna.id)
    assert data == {"returned": 1, "balance": 2, "cost": 1, "model": "Seedance 1.5 Pro", "place": 0}


async def test_what_cannot_be_read_is_left_out(hall: Hall) -> None:
    hall.engine.account_lost = True
    assert await _heard(hall, NoticeKind.USER_ERROR, "0-gone", 5) == {"returned": 1}


async def test_a_bell_needs_nothing(hall: Hall) -> None:
    assert await _heard(hall, NoticeKind.BELL, "0-gone", 5) == {"returned": 1}
