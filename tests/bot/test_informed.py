from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.informed import Finding, Informed, Whereabouts
from engine.ports import Delivered, Delivery, Failed, Notice, Told
from states.job import ProviderTask, TaskStatus, Video
from states.vocabulary import NoticeKind, State
from tests.bot.hall import Hall


@dataclass
class Ear:
    heard: list[Notice] = field(default_factory=list)
    begin: int | None = None

    async def tell(self, notice: Notice) -> Told | Failed:
        self.heard.append(notice)
        return Told(self.begin if notice.kind is not NoticeKind.BELL else None)


@dataclass
class Bag:
    carried: list[Delivery] = field(default_factory=list)

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        self.carried.append(delivery)
        assert note is _note
        return Delivered(1, "f", "video")


async def _note(_facts: Mapping[str, int | str]) -> None:
    raise AssertionError("nothing is to be noted here")


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
    known = {"balance": 2, "cost": 1, "model": "Seedance 1.5 Pro", "place": 0, "cancel": False}
    assert data == {"returned": 1, **known}


async def test_cancel_is_offered_only_while_it_is_free(hall: Hall) -> None:
    """A job that was started, or has bought something, is told nothing else than what its button will say."""
    job = await hall.launch(hall.person())
    assert (await _heard(hall, NoticeKind.STATUS, job.id, job.user_id))["cancel"] is True
    hall.engine.pose(job.id, state=State.GENERATING)
    assert (await _heard(hall, NoticeKind.PATIENCE, job.id, job.user_id))["cancel"] is False
    hall.engine.pose(job.id, state=State.RETRY_WAIT)
    assert (await _heard(hall, NoticeKind.PATIENCE, job.id, job.user_id))["cancel"] is True
    bought = ProviderTask(1, "m", "k", TaskStatus.OPEN, 0, "t1")
    hall.engine.pose(job.id, state=State.RETRY_WAIT, tasks=(bought,))
    assert (await _heard(hall, NoticeKind.SERVICE_PAUSED, job.id, job.user_id))["cancel"] is False


async def test_a_status_message_begun_anew_is_the_one_from_then_on(hall: Hall) -> None:
    ear, bag = Ear(begin=77), Bag()
    told = Informed(ear, hall.engine, hall.shelf)
    job = await hall.launch(hall.person())

    def notice(kind: NoticeKind) -> Notice:
        return Notice("n", kind, job.id, job.user_id, job.user_id, "ru", job.status_message_id, {})

    await told.tell(notice(NoticeKind.STATUS))
    await told.tell(notice(NoticeKind.BELL))
    ear.begin = None
    await told.tell(notice(NoticeKind.PATIENCE))
    assert [heard.status_message_id for heard in ear.heard] == [
        job.status_message_id,
        job.status_message_id,
        77,
    ]
    await Finding(bag, hall.engine).deliver(Delivery(job, Video("u", 1), verify_first=False), _note)
    assert [delivery.job.status_message_id for delivery in bag.carried] == [77]


async def test_a_message_the_courier_began_later_stays_the_one(hall: Hall) -> None:
    job = await hall.launch(hall.person())
    await Whereabouts(hall.engine).note(job.user_id, job.id, 77)
    assert await Whereabouts(hall.engine).newest(job.user_id, job.id, 90) == 90
    assert await Whereabouts(hall.engine).newest(job.user_id, "0-other", 5) == 5


async def test_what_cannot_be_read_is_left_out(hall: Hall) -> None:
    hall.engine.account_lost = True
    assert await _heard(hall, NoticeKind.USER_ERROR, "0-gone", 5) == {"returned": 1}


async def test_a_bell_needs_nothing(hall: Hall) -> None:
    assert await _heard(hall, NoticeKind.BELL, "0-gone", 5) == {"returned": 1}
