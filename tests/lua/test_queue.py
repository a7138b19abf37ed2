"""The ordered queue in Lua: answers, refusals, and that a refusal changes nothing."""

from typing import Any

import pytest

from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.keys import tag

T = tag(0, 1)
LEASE_MS = 1000


class Queue:
    """The verbs with short names and one clock."""

    def __init__(self, calls: Dispatcher) -> None:
        self._calls = calls
        self.now = 1_800_000_000_000
        self._takes = 0

    async def put(self, lane: str, entry: str, *, word: str = "", keep_ms: int = 0, body: str = "") -> str:
        answer = await self._calls.call(
            T, "queue_put", name="ob", lane=lane, id=entry, body=body or entry, now=self.now,
            coalesce=word, keep_ms=keep_ms,
        )  # fmt: skip
        return str(answer.decode())

    async def take(
        self, reader: str = "r1", *, take_id: str = "", limit: int = 10, held: tuple[str, ...] = ()
    ) -> tuple[int | None, list[tuple[str, str, str, int, str]]]:
        self._takes += 1
        answer = await self._calls.call(
            T, "queue_take", name="ob", reader=reader, take_id=take_id or f"take-{self._takes}",
            now=self.now, lease_ms=LEASE_MS, limit=limit, held=list(held),
        )  # fmt: skip
        words = [word.decode() for word in answer]
        rows = [
            (words[i], words[i + 1], words[i + 2], int(words[i + 3]), words[i + 5])
            for i in range(1, len(words), 6)
        ]
        return (int(words[0]) if words[0] else None), rows

    async def ids(self, reader: str = "r1") -> list[str]:
        return [row[0] for row in (await self.take(reader))[1]]

    async def ack(self, lane: str, token: str, gap_ms: int = 0) -> str:
        answer = await self._calls.call(
            T, "queue_ack", name="ob", entries=[lane, token], now=self.now, gap_ms=gap_ms
        )
        return str(answer[0].decode())

    async def close(self, till: int) -> None:
        await self._calls.call(T, "queue_close", name="ob", till=till)

    async def nack(self, lane: str, token: str, after_ms: int = 0) -> str:
        answer = await self._calls.call(
            T, "queue_nack", name="ob", lane=lane, token=token, now=self.now, after_ms=after_ms
        )
        return str(answer.decode())


@pytest.fixture
def queue(dispatcher: Dispatcher) -> Queue:
    return Queue(dispatcher)


async def dump(connection: Connection) -> dict[bytes, Any]:
    keys = sorted(await connection.command("KEYS", "*"))
    return {key: await connection.command("DUMP", key) for key in keys}


async def test_a_lane_is_in_order_and_one_at_a_time(queue: Queue) -> None:
    for entry in ("a1", "a2", "a3"):
        assert await queue.put("7", entry) == "new"
    seen = []
    for _ in range(3):
        _, rows = await queue.take()
        assert len(rows) == 1
        assert await queue.ids("r2") == []
        seen.append(rows[0][0])
        assert await queue.ack("7", rows[0][2]) == "ok"
    assert seen == ["a1", "a2", "a3"]
    assert await queue.take() == (None, [])


async def test_lanes_do_not_wait_for_each_other(queue: Queue) -> None:
    for entry, lane in (("a1", "1"), ("a2", "1"), ("b1", "2"), ("c1", "-3")):
        await queue.put(lane, entry)
    assert sorted(await queue.ids()) == ["a1", "b1", "c1"]


async def test_the_oldest_due_lane_comes_first_and_the_limit_holds(queue: Queue) -> None:
    for lane in ("9", "5", "7"):
        await queue.put(lane, f"in-{lane}")
        queue.now += 1
    _, rows = await queue.take(limit=2)
    assert [row[1] for row in rows] == ["9", "5"]


async def test_a_queued_id_is_put_once(queue: Queue, connection: Connection) -> None:
    await queue.put("1", "a", body="first")
    before = await dump(connection)
    assert await queue.put("1", "a", body="second") == "known"
    assert await dump(connection) == before


async def test_a_kept_id_is_known_after_it_was_acknowledged(queue: Queue) -> None:
    await queue.put("1", "a", keep_ms=60_000)
    _, rows = await queue.take()
    await queue.ack("1", rows[0][2])
    assert await queue.put("1", "a", keep_ms=60_000) == "known"
    assert await queue.take() == (None, [])


async def test_a_newer_entry_replaces_the_queued_one_in_its_place(queue: Queue) -> None:
    await queue.put("1", "p1", word="progress")
    await queue.put("1", "video")
    assert await queue.put("1", "p2", word="progress", body="half") == "replaced"
    _, rows = await queue.take()
    assert (rows[0][0], rows[0][4]) == ("p2", "half")
    await queue.ack("1", rows[0][2])
    assert await queue.ids() == ["video"]


async def test_an_entry_in_flight_is_not_replaced(queue: Queue) -> None:
    await queue.put("1", "p1", word="progress")
    _, rows = await queue.take()
    assert await queue.put("1", "p2", word="progress") == "new"
    await queue.ack("1", rows[0][2])
    assert await queue.ids() == ["p2"]


async def test_a_returned_entry_gives_way_to_a_newer_one(queue: Queue) -> None:
    await queue.put("1", "p1", word="progress")
    _, rows = await queue.take()
    await queue.put("1", "video")
    await queue.put("1", "p2", word="progress")
    await queue.nack("1", rows[0][2])
    seen = []
    for _ in range(2):
        _, rows = await queue.take()
        seen.append((rows[0][0], rows[0][3]))
        await queue.ack("1", rows[0][2])
    assert seen == [("p2", 1), ("video", 1)]
    assert await queue.take() == (None, [])


async def test_a_returned_entry_can_be_replaced_again(queue: Queue) -> None:
    await queue.put("1", "p1", word="progress")
    _, rows = await queue.take()
    await queue.nack("1", rows[0][2])
    assert await queue.put("1", "p2", word="progress") == "replaced"
    assert await queue.ids() == ["p2"]


async def test_a_take_is_answered_from_its_record(queue: Queue) -> None:
    await queue.put("1", "a")
    first = await queue.take(take_id="t")
    await queue.put("2", "b")
    again = await queue.take(take_id="t")
    assert again[1] == first[1]


async def test_a_record_shows_only_what_is_still_held(queue: Queue) -> None:
    await queue.put("1", "a")
    _, rows = await queue.take(take_id="t")
    await queue.ack("1", rows[0][2])
    assert await queue.take(take_id="t") == (None, [])


async def test_a_lease_that_ran_out_fences_its_reader(queue: Queue, connection: Connection) -> None:
    await queue.put("1", "a")
    _, mine = await queue.take("r1")
    queue.now += LEASE_MS
    _, theirs = await queue.take("r2")
    assert [(row[0], row[3]) for row in theirs] == [("a", 2)]
    before = await dump(connection)
    assert await queue.ack("1", mine[0][2]) == "fenced"
    assert await queue.nack("1", mine[0][2], 5) == "fenced"
    assert await dump(connection) == before
    assert await queue.ack("1", theirs[0][2]) == "ok"


async def test_a_taker_renews_what_it_holds(queue: Queue) -> None:
    await queue.put("1", "a")
    _, rows = await queue.take("r1")
    queue.now += LEASE_MS - 1
    await queue.take("r1", limit=0, held=("1", rows[0][2]))
    queue.now += LEASE_MS - 1
    assert await queue.ids("r2") == []


async def test_a_repeated_ack_is_gone_and_changes_nothing(queue: Queue, connection: Connection) -> None:
    await queue.put("1", "a")
    await queue.put("1", "b")
    _, rows = await queue.take()
    await queue.ack("1", rows[0][2])
    before = await dump(connection)
    assert await queue.ack("1", rows[0][2]) == "gone"
    assert await dump(connection) == before


async def test_a_nack_delays_the_whole_lane_and_tells_when(queue: Queue) -> None:
    await queue.put("1", "a")
    await queue.put("1", "b")
    await queue.put("2", "c")
    _, rows = await queue.take()
    await queue.nack("1", next(row[2] for row in rows if row[1] == "1"), 3000)
    await queue.ack("2", next(row[2] for row in rows if row[1] == "2"))
    assert await queue.take() == (queue.now + 3000, [])
    queue.now += 3000
    _, rows = await queue.take()
    assert [(row[0], row[3]) for row in rows] == [("a", 2)]


async def test_a_flood_wait_closes_every_lane(queue: Queue) -> None:
    await queue.put("1", "a")
    await queue.put("2", "b")
    _, rows = await queue.take(limit=1)
    await queue.close(queue.now + 5000)
    await queue.close(queue.now + 1000)  # a shorter one opens nothing
    await queue.nack(rows[0][1], rows[0][2])
    assert await queue.take() == (queue.now + 5000, [])
    queue.now += 5000
    assert sorted(await queue.ids()) == ["a", "b"]


async def test_an_ack_can_pace_its_lane(queue: Queue) -> None:
    await queue.put("1", "a")
    await queue.put("1", "b")
    _, rows = await queue.take()
    await queue.ack("1", rows[0][2], gap_ms=1000)
    assert await queue.take() == (queue.now + 1000, [])


async def test_a_lane_has_a_bound(queue: Queue) -> None:
    for number in range(1000):
        await queue.put("1", str(number))
    assert await queue.put("1", "one too many") == "full"
    assert await queue.put("2", "another lane") == "new"


async def test_an_empty_queue_leaves_only_its_counts(queue: Queue, connection: Connection) -> None:
    for number in range(5):
        await queue.put("1", str(number), word="w" if number % 2 else "")
    while rows := (await queue.take())[1]:
        await queue.ack("1", rows[0][2])
    keys = {key.decode().removeprefix(T) for key in await connection.command("KEYS", "*")}
    assert keys == {":ob:q", ":ob:bell", ":ob:r:r1"}
    assert await connection.command("HGET", f"{T}:ob:q", "n") == b"0"


async def test_odd_bytes_survive(queue: Queue, dispatcher: Dispatcher) -> None:
    body = bytes(range(256))
    await dispatcher.call(
        T, "queue_put", name="ob", lane="1", id="x", body=body, now=1, coalesce="", keep_ms=0
    )
    answer = await dispatcher.call(
        T, "queue_take", name="ob", reader="r", take_id="a.b-c_d%", now=1, lease_ms=1, limit=1, held=[]
    )
    assert answer[6] == body


async def test_many_are_acknowledged_at_once_each_with_its_own_answer(
    queue: Queue, dispatcher: Dispatcher
) -> None:
    for lane in ("7", "8", "9"):
        await queue.put(lane, f"e{lane}")
    _, rows = await queue.take()
    tokens = {lane: token for _, lane, token, _, _ in rows}
    assert await queue.ack("8", tokens["8"]) == "ok"
    words = ["7", tokens["7"], "8", tokens["8"], "9", "not-this", "9", tokens["9"]]
    for expected in ([b"ok", b"gone", b"fenced", b"ok"], [b"gone"] * 4):
        answer = await dispatcher.call(T, "queue_ack", name="ob", now=queue.now, gap_ms=0, entries=words)
        assert answer == expected
    assert await queue.take() == (None, [])


async def test_a_body_may_hold_line_ends(queue: Queue) -> None:
    await queue.put("7", "e1", word="w", body="one\n\ntwo\n")
    assert [row[4] for row in (await queue.take())[1]] == ["one\n\ntwo\n"]
