"""The rules by name: what each finding refers to, and what reports print."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "I1.sum": "all balances and holds of a partition, contra accounts among them, add up to 0",
        "I1.contra": "a contra account is what the users' rows took from it or paid into it",
        "I1.balance": "a user's balance is the sum of their rows",
        "I1.running": "each row's balance is the one before plus its delta",
        "I1.row": "a ledger row can be read, and its delta fits its kind and amount",
        "I1.external": "each booking from outside a job has its external id on record, once",
        "I2.held": "a user's held credits are the holds of their ledger that have no end",
        "I2.jobs": "a user's held credits are the costs of their jobs that hold them",
        "I3.order": "a job's rows are one hold, then at most one of capture and release",
        "I3.amount": "a job's rows are of its cost",
        "I3.id": "a row's id names the transition that moved the credits",
        "I3.nobody": "an open hold belongs to a job that exists",
        "I4.state": "the hold fits the state: live held, done captured, refunded released, failed none",
        "I4.ledger": "a job's hold is what its rows say",
        "I5.read": "each history record can be read",
        "I5.gap": "history numbers are 0 to seq without a gap",
        "I5.first": "a history begins with the submit into queued",
        "I5.chain": "each record starts where the one before ended",
        "I5.edge": "each move is an edge of the job's own graph version",
        "I5.graph": "the job's graph version is on record",
        "I5.last": "the last record leads to the job's state",
        "I6.timer": "a live job is in the timers",
        "I6.ended": "an ended job is in no timer, line or lease",
        "I6.twice": "a job is in its line at most once",
        "I6.line": "only queued jobs without a worker are in line",
        "I6.lost": "a queued job that no worker ever had is in its line",
        "I6.ghost": "an index or line names jobs that exist",
        "I6.ready": "a user with a line, and no other, waits for a turn",
        "I6.aside": "a job set aside is in that list alone, with its reason",
        "I7.epoch": "epochs never go down, nor beyond the job's own",
        "I7.mark": "a worker's last claim is not ahead of its job",
        "I8.lane": "a lane's order and entries belong to each other, and it is due when it has any",
        "I8.id": "an outbox entry's id is the one in its body",
        "I8.row": "an outbox entry belongs to a job and a history record that exist",
        "I8.count": "a queue's entry count equals a recount",
        "I9.states": "the counters leave each live state with as many jobs as it has",
        "I9.ends": "the counters know at least the jobs that are there",
        "I9.live": "a user's count of live jobs equals a recount",
        "I9.index": "a user's list of jobs has their jobs",
        "K.ttl": "a key has a lifetime, belongs to a live job, or is on the permanent list",
        "K.live": "the keys of a live job have no lifetime",
        "K.ended": "the keys of an ended job have a lifetime",
        "K.parts": "a job has its guards, document, request and history",
        "K.read": "a job's guards, document and request can be read",
        "K.orphan": "the parts of a job or user have their owner",
        "K.idem": "a launch button's key leads to a job",
        "K.slot": "a user's keys lie in the partition that their id names",
        "K.shape": "every partition records the store's shape",
    }
)
"""Rule id → what always holds. I1 to I9 are the engine's invariants, K the keys' own."""
