"""Damage to counters and keys, with the rules it breaks."""

from tests.engine.check.flows import Damage, Lives, T, key_of

# --- counters and keys ----------------------------------------------------------------------------------


async def counter_up(lives: Lives) -> None:
    await lives.run("HINCRBY", f"{T}:c", "sending|done|sending/delivered", 1)


async def counter_down(lives: Lives) -> None:
    await lives.run("HINCRBY", f"{T}:c", "sending|done|sending/delivered", -1)
    await lives.run("HINCRBY", f"{T}:c", "sending|failed|other", 1)


async def live_miscounted(lives: Lives) -> None:
    await lives.run("HINCRBY", key_of("a", 7), "live", 1)


async def list_forgets(lives: Lives) -> None:
    await lives.run("ZREM", key_of("uj", 7), lives.leased.id)


async def list_forgets_an_ended_one(lives: Lives) -> None:
    await lives.run("ZREM", key_of("uj", 7), lives.free.id)


async def key_for_ever(lives: Lives) -> None:
    await lives.run("SET", key_of("xyz", 1), "1")


async def mark_for_ever(lives: Lives) -> None:
    await lives.run("PERSIST", key_of("w", "w1"))


async def live_expires(lives: Lives) -> None:
    await lives.run("PEXPIRE", key_of("d", lives.waiting.id), 90_000)


async def live_list_expires(lives: Lives) -> None:
    await lives.run("PEXPIRE", key_of("uj", 7), 90_000)


async def ended_for_ever(lives: Lives) -> None:
    await lives.run("PERSIST", key_of("h", lives.done.id))


async def document_lost(lives: Lives) -> None:
    await lives.run("DEL", key_of("d", lives.waiting.id))


async def document_unreadable(lives: Lives) -> None:
    await lives.run("SET", key_of("d", lives.waiting.id), "{")


async def history_orphaned(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("h", "0-nobody"), "{}")


async def job_without_account(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.free.id), "uid", 55)


async def ledger_orphaned(lives: Lives) -> None:
    await lives.run("RPUSH", key_of("l", 99), "{}")


async def button_to_nowhere(lives: Lives) -> None:
    await lives.run("SET", key_of("i", "tap-9"), "0-nobody", "PX", 90_000)


async def user_astray(lives: Lives) -> None:
    await lives.run("HSET", key_of("a", "not-a-user"), "bal", 0)


async def ledger_mistyped(lives: Lives) -> None:
    await lives.run("DEL", key_of("l", 7))
    await lives.run("SET", key_of("l", 7), "x")


async def lane_mistyped(lives: Lives) -> None:
    await lives.run("DEL", key_of("ob:o", "@admin"))
    await lives.run("HSET", key_of("ob:o", "@admin"), "a", 1)


async def job_mistyped(lives: Lives) -> None:
    await lives.run("DEL", key_of("w", "w1"))
    await lives.run("HSET", key_of("w", "w1"), "a", 1)


KEYS: list[tuple[Damage, set[str]]] = [
    (counter_up, {"I9.states"}),
    (counter_down, {"I9.ends"}),
    (live_miscounted, {"I9.live"}),
    (list_forgets, {"I9.index"}),
    (list_forgets_an_ended_one, {"I9.index"}),
    (key_for_ever, {"K.ttl"}),
    (mark_for_ever, {"K.ttl"}),
    (live_expires, {"K.live"}),
    (live_list_expires, {"K.live"}),
    (ended_for_ever, {"K.ended"}),
    (document_lost, {"K.parts"}),
    (document_unreadable, {"K.read"}),
    (history_orphaned, {"K.orphan", "K.ttl"}),
    (job_without_account, {"K.orphan", "I6.ghost", "I9.index"}),
    (ledger_orphaned, {"K.orphan"}),
    (button_to_nowhere, {"K.idem"}),
    (user_astray, {"K.slot"}),
    (ledger_mistyped, {"K.type", "I1.contra"}),
    (lane_mistyped, {"K.type"}),
    (job_mistyped, {"K.type"}),
]
