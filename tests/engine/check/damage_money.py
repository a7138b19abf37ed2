"""Damage to ledgers, accounts and histories, with the rules it breaks."""

import json
from typing import Any

from engine.rows import ledger_fields, records_of
from tests.engine.check.flows import Damage, Lives, key_of


async def _read(lives: Lives, key: str) -> list[dict[str, Any]]:
    rows = await lives.run("LRANGE", key, 0, -1)
    _, kind, name = key.split(":", 2)
    return records_of(name, rows) if kind == "h" else [ledger_fields(row) for row in rows]


async def _edit(lives: Lives, key: str, place: int, **changes: Any) -> None:
    row = (await _read(lives, key))[place]
    await lives.run("LSET", key, place, json.dumps(row | changes, separators=(",", ":")))


async def _rows(lives: Lives) -> list[dict[str, Any]]:
    return await _read(lives, key_of("l", 7))


async def _place(lives: Lives, job: str, kind: str) -> int:
    rows = await _rows(lives)
    return next(n for n, row in enumerate(rows) if row["job"] == job and row["kind"] == kind)


# --- money ----------------------------------------------------------------------------------------------


async def more_credits(lives: Lives) -> None:
    await lives.run("HINCRBY", key_of("a", 7), "bal", 5)


async def revenue_gone(lives: Lives) -> None:
    await lives.run("HINCRBY", key_of("a", "@revenue"), "bal", -10)
    await lives.run("HINCRBY", key_of("a", "@grants"), "bal", 10)


async def hidden_hold(lives: Lives) -> None:
    await lives.run("HINCRBY", key_of("a", 7), "held", 10)
    await lives.run("HINCRBY", key_of("a", 7), "bal", -10)


async def row_edited(lives: Lives) -> None:
    await _edit(lives, key_of("l", 7), 1, balance=1000)


async def row_unreadable(lives: Lives) -> None:
    await lives.run("LSET", key_of("l", 7), 0, "{nonsense")


async def row_of_wrong_sign(lives: Lives) -> None:
    await _edit(lives, key_of("l", 7), 1, delta=10)


async def row_lost(lives: Lives) -> None:
    await lives.run("RPOP", key_of("l", 7))


async def external_lost(lives: Lives) -> None:
    await lives.run("DEL", key_of("lx", 7))


async def external_without_row(lives: Lives) -> None:
    await lives.run("HSET", key_of("lx", 7), "payment-9", 1)


async def released_twice(lives: Lives) -> None:
    place = await _place(lives, lives.refunded.id, "release")
    await lives.run("RPUSH", key_of("l", 7), await lives.run("LINDEX", key_of("l", 7), place))


async def captured_and_released(lives: Lives) -> None:
    row = (await _rows(lives))[await _place(lives, lives.done.id, "capture")]
    row |= {"kind": "release", "delta": 10, "balance": row["balance"] + 10}
    await lives.run("RPUSH", key_of("l", 7), json.dumps(row, separators=(",", ":")))


async def capture_of_other_amount(lives: Lives) -> None:
    await _edit(lives, key_of("l", 7), await _place(lives, lives.done.id, "capture"), amount=9)


async def capture_of_other_transition(lives: Lives) -> None:
    place = await _place(lives, lives.done.id, "capture")
    await _edit(lives, key_of("l", 7), place, id=f"{lives.done.id}:1")


async def hold_for_nobody(lives: Lives) -> None:
    await lives.run("DEL", *(key_of(part, lives.queued.id) for part in ("j", "d", "p", "h")))


async def hold_forgotten(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.done.id), "hold", "held")


async def refund_undone(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.refunded.id), "hold", "captured")


async def cost_changed(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.leased.id), "cost", 3)


# --- history --------------------------------------------------------------------------------------------


async def record_unreadable(lives: Lives) -> None:
    await lives.run("LSET", key_of("h", lives.done.id), 1, "{")


async def record_lost(lives: Lives) -> None:
    await lives.run("RPOP", key_of("h", lives.done.id))


async def record_twice(lives: Lives) -> None:
    key = key_of("h", lives.done.id)
    await lives.run("LINSERT", key, "AFTER", *(2 * [await lives.run("LINDEX", key, 1)]))


async def record_misnumbered(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.done.id), 2, seq=7)


async def born_elsewhere(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.waiting.id), 0, to="sending")


async def history_jumps(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.done.id), 2, **{"from": "retry_wait"})


async def edge_unknown(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.done.id), 3, edge="sending/teleport")


async def graph_lost(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.done.id), "gv", "another")


async def graph_changed_unsaid(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.done.id), 2, graph="another")


async def state_changed(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.waiting.id), "st", "sending")


async def epoch_back(lives: Lives) -> None:
    await lives.run("HSET", key_of("j", lives.done.id), "ep", 0)


async def epoch_disorder(lives: Lives) -> None:
    await _edit(lives, key_of("h", lives.done.id), 1, op="9:1:x")


async def claim_ahead(lives: Lives) -> None:
    await lives.run("SET", key_of("w", "w5"), f"c1 {lives.leased.id} 40 0", "PX", 60_000)


async def claim_unreadable(lives: Lives) -> None:
    await lives.run("SET", key_of("w", "w5"), "?", "PX", 60_000)


MONEY: list[tuple[Damage, set[str]]] = [
    (more_credits, {"I1.balance", "I1.sum"}),
    (revenue_gone, {"I1.contra"}),
    (hidden_hold, {"I1.balance", "I2.held", "I2.jobs"}),
    (row_edited, {"I1.running"}),
    (row_unreadable, {"I1.row", "I1.contra", "I1.external"}),
    (row_of_wrong_sign, {"I1.row"}),
    (row_lost, {"I1.balance", "I2.held", "I4.ledger"}),
    (external_lost, {"I1.external"}),
    (external_without_row, {"I1.external"}),
    (released_twice, {"I3.order", "I1.running", "I1.balance", "I2.held", "I4.ledger"}),
    (captured_and_released, {"I3.order", "I1.running", "I1.balance", "I2.held", "I4.ledger"}),
    (capture_of_other_amount, {"I3.amount", "I1.contra", "I2.held"}),
    (capture_of_other_transition, {"I3.id"}),
    (hold_for_nobody, {"I3.nobody", "I2.jobs", "I6.ghost", "I9.live", "I9.states", "K.idem"}),
    (hold_forgotten, {"I4.state", "I4.ledger", "I2.jobs"}),
    (refund_undone, {"I4.state", "I4.ledger"}),
    (cost_changed, {"I2.jobs", "I3.amount"}),
    (record_unreadable, {"I5.read"}),
    (record_lost, {"I5.gap", "I5.last"}),
    (record_twice, {"I5.gap", "I5.chain", "I9.ends"}),
    (record_misnumbered, {"I5.gap"}),
    (born_elsewhere, {"I5.first", "I5.chain", "I9.ends"}),
    (history_jumps, {"I5.chain", "I5.edge", "I9.ends"}),
    (edge_unknown, {"I5.edge", "I9.ends"}),
    (graph_lost, {"I5.graph"}),
    (graph_changed_unsaid, {"I5.version"}),
    (state_changed, {"I5.last", "I9.states"}),
    (epoch_back, {"I7.epoch"}),
    (epoch_disorder, {"I7.epoch"}),
    (claim_ahead, {"I7.mark"}),
    (claim_unreadable, {"I7.mark"}),
]
