"""Damage to lines, timers and the outbox, with the rules it breaks."""

import json

from tests.engine.check.flows import Damage, Lives, T, key_of

# --- places ---------------------------------------------------------------------------------------------


async def timer_lost(lives: Lives) -> None:
    await lives.run("ZREM", f"{T}:t", lives.waiting.id)


async def ended_in_timers(lives: Lives) -> None:
    await lives.run("ZADD", f"{T}:t", 1, lives.done.id)


async def ended_in_line(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("q", 7), lives.refunded.id)


async def ended_with_worker(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.done.id), "own", "w1")


async def twice_in_line(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("q", 7), lives.queued.id)


async def leased_in_line(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("q", 7), lives.leased.id)


async def lost_from_line(lives: Lives) -> None:
    await lives.run("DEL", key_of("q", 7))
    await lives.run("ZREM", f"{T}:rdy", 7)


async def ghost_in_line(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("q", 7), "0-nobody")


async def ghost_in_timers(lives: Lives) -> None:
    await lives.run("ZADD", f"{T}:t", 1, "0-nobody")


async def turn_lost(lives: Lives) -> None:
    await lives.run("ZREM", f"{T}:rdy", 7)


async def turn_for_nothing(lives: Lives) -> None:
    await lives.run("ZADD", f"{T}:rdy", 0, 99)


async def aside_and_due(lives: Lives) -> None:
    await lives.run("ZADD", f"{T}:t", 1, lives.aside.id)


async def aside_without_list(lives: Lives) -> None:
    await lives.run("ZREM", f"{T}:qz", lives.aside.id)


async def aside_without_reason(lives: Lives) -> None:
    await lives.run("HDEL", key_of("j", lives.aside.id), "qt")


# --- outbox ---------------------------------------------------------------------------------------------


async def _first(lives: Lives, lane: str = "7") -> str:
    place: bytes = await lives.run("LINDEX", key_of("ob:o", lane), 0)
    return place.decode()


async def _packed(lives: Lives) -> list[bytes]:
    """Id, word and body of the first entry."""
    packed = await lives.run("HGET", key_of("ob:e", 7), await _first(lives))
    return list(packed.split(b"\n", 2))


async def _pack(lives: Lives, entry: bytes, word: bytes, body: bytes) -> None:
    await lives.run("HSET", key_of("ob:e", 7), await _first(lives), b"\n".join((entry, word, body)))


async def entry_lost(lives: Lives) -> None:
    await lives.run("HDEL", key_of("ob:e", 7), await _first(lives))


async def entry_twice(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("ob:o", 7), await _first(lives))


async def entry_out_of_order(lives: Lives) -> None:
    await lives.run("LPOP", key_of("ob:o", 7))


async def id_astray(lives: Lives) -> None:
    entry, _, _ = await _packed(lives)
    await lives.run("HSET", key_of("ob:e", 7), f"i:{entry.decode()}", 99)


async def lane_never_due(lives: Lives) -> None:
    await lives.run("ZREM", f"{T}:ob:lanes", 7)


async def lane_held_by_nobody(lives: Lives) -> None:
    await lives.run("HSET", key_of("ob:e", 12), "f", 1)


async def body_of_another(lives: Lives) -> None:
    entry, word, raw = await _packed(lives)
    body = json.loads(raw)
    body["notice"]["id"] = "0-other:1:0"
    await _pack(lives, entry, word, json.dumps(body).encode())


async def body_unreadable(lives: Lives) -> None:
    entry, word, _ = await _packed(lives)
    await _pack(lives, entry, word, b"[]")


async def entry_of_nobody(lives: Lives) -> None:
    await lives.run("DEL", *(key_of(part, lives.refunded.id) for part in ("j", "d", "p", "h")))


async def entry_of_the_future(lives: Lives) -> None:
    key, place = key_of("ob:e", 7), await _first(lives)
    old, word, raw = await _packed(lives)
    new = f"{lives.waiting.id}:9:0"
    body = json.loads(raw)
    body["notice"]["id"] = new
    await lives.run("HDEL", key, f"i:{old.decode()}")
    await lives.run("HSET", key, f"i:{new}", place)
    await _pack(lives, new.encode(), word, json.dumps(body).encode())


async def queue_miscounted(lives: Lives) -> None:
    await lives.run("HINCRBY", f"{T}:ob:q", "n", 1)


PLACES: list[tuple[Damage, set[str]]] = [
    (timer_lost, {"I6.timer", "I9.states"}),
    (ended_in_timers, {"I6.ended"}),
    (ended_in_line, {"I6.ended"}),
    (ended_with_worker, {"I6.ended"}),
    (twice_in_line, {"I6.twice"}),
    (leased_in_line, {"I6.line"}),
    (lost_from_line, {"I6.lost"}),
    (ghost_in_line, {"I6.ghost"}),
    (ghost_in_timers, {"I6.ghost"}),
    (turn_lost, {"I6.ready"}),
    (turn_for_nothing, {"I6.ready"}),
    (aside_and_due, {"I6.aside", "I9.states"}),
    (aside_without_list, {"I6.aside", "I9.states"}),
    (aside_without_reason, {"I6.aside"}),
    (entry_lost, {"I8.lane"}),
    (entry_twice, {"I8.lane", "I8.count"}),
    (entry_out_of_order, {"I8.lane", "I8.count"}),
    (id_astray, {"I8.lane"}),
    (lane_never_due, {"I8.lane", "I8.count"}),
    (lane_held_by_nobody, {"I8.lane"}),
    (body_of_another, {"I8.id"}),
    (body_unreadable, {"I8.id"}),
    (entry_of_nobody, {"I8.row", "K.idem"}),
    (entry_of_the_future, {"I8.row"}),
    (queue_miscounted, {"I8.count"}),
]
