"""Random schedules against a plain model: order, one in flight, nothing lost, nothing twice."""

import random
from dataclasses import dataclass, field

import pytest

from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.keys import tag

T = tag(0, 1)
LEASE_MS = 50
LANES = ("1", "2", "-3")
READERS = ("r1", "r2", "r3")
STEPS = 250


@dataclass
class Lane:
    """What a lane should hold: (id, word) in order; the first may be in flight."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    token: str = ""
    till: int = 0

    def put(self, entry: str, word: str) -> str:
        first = 1 if self.token else 0
        for at in range(first, len(self.entries)):
            if word and self.entries[at][1] == word:
                self.entries[at] = (entry, word)
                return "replaced"
        self.entries.append((entry, word))
        return "new"

    def give_back(self) -> None:
        """A newer queued entry with the word of the returned one takes its place."""
        self.token = ""
        word = self.entries[0][1]
        for at in range(1, len(self.entries)):
            if word and self.entries[at][1] == word:
                self.entries[0] = self.entries.pop(at)
                return


class World:
    """The server and the model, driven side by side."""

    def __init__(self, calls: Dispatcher, dice: random.Random) -> None:
        self.calls, self.dice = calls, dice
        self.now = 1_800_000_000_000
        self.lanes = {lane: Lane() for lane in LANES}
        self.tokens: list[tuple[str, str]] = []
        self.made = 0

    async def call(self, verb: str, **given: str | int) -> str:
        answer = await self.calls.call(T, verb, name="in", now=self.now, **given)
        return str(answer.decode())

    async def ack(self, lane: str, token: str) -> str:
        answer = await self.calls.call(
            T, "queue_ack", name="in", now=self.now, gap_ms=0, entries=[lane, token]
        )  # fmt: skip
        return str(answer[0].decode())

    async def taken(self, reader: str, take_id: str, limit: int) -> list[list[str]]:
        answer = await self.calls.call(
            T, "queue_take", name="in", now=self.now, reader=reader, take_id=take_id,
            lease_ms=LEASE_MS, limit=limit, held=[],
        )  # fmt: skip
        words = [word.decode() for word in answer]
        return [words[at : at + 6] for at in range(1, len(words), 6)]

    async def put(self) -> None:
        lane, word = self.dice.choice(LANES), self.dice.choice(["", "", "progress", "menu"])
        self.made += 1
        entry = f"e{self.made}"
        answer = await self.call("queue_put", lane=lane, id=entry, body=entry, coalesce=word, keep_ms=0)
        assert answer == self.lanes[lane].put(entry, word)

    async def take(self) -> None:
        reader, limit, take_id = self.dice.choice(READERS), self.dice.randint(1, 3), f"t{self.dice.random()}"
        taken = await self.taken(reader, take_id, limit)
        if self.dice.random() < 0.3:  # the answer was lost: asked again, it is the same
            assert await self.taken(reader, take_id, limit) == taken
        due = [lane for lane in self.lanes.values() if lane.entries and lane.till <= self.now]
        assert len(taken) == min(limit, len(due))
        for entry, name, token, _, _, body in taken:
            lane = self.lanes[name]
            assert lane.till <= self.now, "taken before its time"
            assert entry == body == lane.entries[0][0], "out of order"
            lane.token, lane.till = token, self.now + LEASE_MS
            self.tokens.append((name, token))

    async def answer(self) -> None:
        if not self.tokens:
            return
        name, token = self.dice.choice(self.tokens)
        lane, ours = self.lanes[name], self.lanes[name].token == token
        if self.dice.random() < 0.6:
            answer = await self.ack(name, token)
            if ours:
                lane.entries.pop(0)
                lane.token, lane.till = "", self.now
        else:
            after = self.dice.randint(0, 60)
            answer = await self.call("queue_nack", lane=name, token=token, after_ms=after)
            if ours:
                lane.give_back()
                lane.till = self.now + after
        assert answer == ("ok" if ours else "fenced" if lane.token else "gone")

    async def step(self) -> None:
        self.now += self.dice.choice([0, 0, 1, 20])
        for lane in self.lanes.values():
            if not lane.entries:
                lane.till = self.now
        await self.dice.choice([self.put, self.put, self.take, self.take, self.answer, self.answer])()


@pytest.mark.parametrize("seed", range(12))
async def test_random_schedules_match_the_model(
    dispatcher: Dispatcher, connection: Connection, seed: int
) -> None:
    world = World(dispatcher, random.Random(seed))
    for _ in range(STEPS):
        await world.step()
    left = {name: [entry for entry, _ in lane.entries] for name, lane in world.lanes.items()}
    drained: dict[str, list[str]] = {name: [] for name in LANES}
    world.now += 1000
    for n in range(world.made + 1):
        for entry, name, token, *_ in await world.taken("last", f"l{n}", 10):
            drained[name].append(entry)
            await world.ack(name, token)
    assert drained == left
    assert await connection.command("HGET", f"{T}:in:q", "n") == b"0"
    assert await connection.command("KEYS", f"{T}:in:[eo]:*") == []
