"""The operator's desk: grouping, growing intervals, resolution, one telling among many processes."""

import asyncio
from dataclasses import dataclass, field

import pytest

from engine.alerts import Alerts, Incident, Word, text_fingerprint
from engine.clock import ManualClock
from engine.config import AlertsConfig
from engine.dispatch import Dispatcher
from engine.keys import tag
from engine.ports import Alert


@dataclass
class Chat:
    """The operator's chat; it can be deaf."""

    heard: list[tuple[str, Word, int]] = field(default_factory=list)
    deaf: bool = False

    async def tell(self, incident: Incident, word: Word) -> bool:
        if not self.deaf:
            self.heard.append((incident.text, word, incident.count))
        return not self.deaf


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def alerts(dispatcher: Dispatcher, clock: ManualClock, chat: Chat) -> Alerts:
    return Alerts(dispatcher, tag(0, 1), clock, AlertsConfig(), chat.tell)


def incident(n: int = 0, text: str = "no balance", kind: str = "incident") -> Alert:
    return Alert("kie:balance", kind, text, job_id=f"0-job{n}")


async def test_an_incident_is_told_once_and_counted(alerts: Alerts, chat: Chat, clock: ManualClock) -> None:
    began = clock.now_ms()
    for n in range(20):
        await alerts.raise_alert(incident(n), f"op{n}")
        clock.advance(1)
    assert chat.heard == [("no balance", Word.NEW, 1)]
    (found,) = await alerts.open()
    assert (found.count, found.first_ms, found.last_ms) == (20, began, began + 19_000)
    assert found.jobs == tuple(f"0-job{n}" for n in range(5))


async def test_an_occurrence_counts_once(alerts: Alerts) -> None:
    for _ in range(3):
        await alerts.raise_alert(incident(), "the same entry")
    (found,) = await alerts.open()
    assert (found.count, found.jobs) == (1, ("0-job0",))


async def test_a_growing_count_is_told_at_growing_intervals(
    alerts: Alerts, chat: Chat, clock: ManualClock
) -> None:
    start = clock.now_ms()
    minutes = []
    for n in range(200):
        before = len(chat.heard)
        await alerts.raise_alert(incident(n), f"op{n}")
        if len(chat.heard) > before:
            minutes.append((clock.now_ms() - start) // 60_000)
        clock.advance(60)
    assert minutes == [0, 15, 45, 105]
    assert [word for _, word, _ in chat.heard] == [Word.NEW, Word.AGAIN, Word.AGAIN, Word.AGAIN]


async def test_the_last_count_is_told_without_a_new_occurrence(
    alerts: Alerts, chat: Chat, clock: ManualClock
) -> None:
    await alerts.raise_alert(incident(1), "a")
    await alerts.raise_alert(incident(2), "b")
    await alerts.tick()
    assert len(chat.heard) == 1
    clock.advance(900)
    await alerts.tick()
    await alerts.tick()
    assert chat.heard[1:] == [("no balance", Word.AGAIN, 2)]


async def test_a_quiet_incident_is_resolved_and_may_open_again(
    alerts: Alerts, chat: Chat, clock: ManualClock
) -> None:
    await alerts.raise_alert(incident(), "a")
    clock.advance(1800)
    await alerts.tick()
    assert chat.heard[-1] == ("no balance", Word.RESOLVED, 1)
    assert await alerts.open() == []
    await alerts.raise_alert(incident(), "b")
    assert chat.heard[-1] == ("no balance", Word.NEW, 1)


async def test_the_operator_resolves_by_hand(alerts: Alerts, chat: Chat) -> None:
    await alerts.raise_alert(incident(), "a")
    assert await alerts.resolve("kie:balance") is True
    assert await alerts.resolve("kie:balance") is False
    assert chat.heard[-1][1] is Word.RESOLVED


async def test_a_deaf_chat_hears_later(alerts: Alerts, chat: Chat, clock: ManualClock) -> None:
    chat.deaf = True
    await alerts.raise_alert(incident(), "a")
    chat.deaf = False
    await alerts.tick()
    assert chat.heard == []  # the lease of the first try still stands
    clock.advance(60)
    await alerts.tick()
    assert chat.heard == [("no balance", Word.NEW, 1)]


async def test_many_processes_tell_once(alerts: Alerts, chat: Chat) -> None:
    await asyncio.gather(*(alerts.raise_alert(incident(n), f"op{n}") for n in range(30)))
    assert len(chat.heard) == 1


async def test_log_lines_are_counted_and_never_told(alerts: Alerts, chat: Chat, clock: ManualClock) -> None:
    await alerts.raise_alert(incident(kind="log"), "a")
    assert chat.heard == []
    assert len(await alerts.open()) == 1
    clock.advance(1800)
    await alerts.tick()
    assert (await alerts.open(), chat.heard) == ([], [])


async def test_a_thousand_users_with_one_new_text_are_one_alert(alerts: Alerts, chat: Chat) -> None:
    raised = [
        Alert("unknown:x", "unknown", f"Task 9f8e7d6c{n:04d} broke at node-{n}: code {n}", job_id=f"0-{n}")
        for n in range(1000)
    ]
    await asyncio.gather(*(alerts.raise_alert(alert, alert.job_id) for alert in raised))
    await alerts.raise_alert(Alert("unknown:x", "unknown", "A different text"), "other")
    assert sorted(found.count for found in await alerts.open()) == [1, 1000]
    assert len(chat.heard) == 2


async def test_open_incidents_have_a_bound(dispatcher: Dispatcher, clock: ManualClock, chat: Chat) -> None:
    small = Alerts(dispatcher, tag(0, 1), clock, AlertsConfig(open_max=3), chat.tell)
    for n in range(6):
        await small.raise_alert(Alert(f"fp{n}", "incident", str(n)), f"op{n}")
        clock.advance(1)
    assert [found.fingerprint for found in await small.open()] == ["fp5", "fp4", "fp3"]
    await small.raise_alert(Alert("fp0", "incident", "0"), "op0")  # counted before, forgotten since
    assert len(await small.open()) == 3


def test_texts_that_differ_in_numbers_and_ids_are_the_same() -> None:
    one = "Task 1a2b3c4d5e failed after 12.5s, see https://x.example/t/1"
    two = "task  FFEE00112233 failed after 3.1s, see https://x.example/t/2?q=9"
    assert text_fingerprint(one) == text_fingerprint(two)
    assert text_fingerprint(one) != text_fingerprint("Task vanished")
    assert text_fingerprint("Внутренняя ошибка 17") == text_fingerprint("внутренняя ОШИБКА 18")


async def test_the_desk_ticks_by_itself(alerts: Alerts, chat: Chat, clock: ManualClock) -> None:
    await alerts.raise_alert(incident(), "a")
    await alerts.raise_alert(incident(), "b")
    running = asyncio.create_task(alerts.run())
    try:
        async with asyncio.timeout(5):
            while len(chat.heard) < 2:
                clock.advance(300 if clock.next_ms() else 0)
                await asyncio.sleep(0)
    finally:
        running.cancel()
    assert chat.heard[1] == ("no balance", Word.AGAIN, 2)


async def test_a_deaf_chat_keeps_what_went_quiet(alerts: Alerts, chat: Chat, clock: ManualClock) -> None:
    await alerts.raise_alert(incident(), "a")
    chat.deaf = True
    clock.advance(1800)
    await alerts.tick()
    assert len(await alerts.open()) == 1
