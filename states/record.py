"""What is written into history: a record holds everything needed to compute its decision again.

The schema of a record is in `diagrams/`; effects are named with their idempotency keys.
"""

from states.decide import Decision, Denied, PlannedAlert, PlannedNotice, planned_alerts, planned_notices
from states.facts import Facts, recorded
from states.graph import Edge, EdgeKind
from states.job import Job
from states.vocabulary import Money


def _effects(decision: Decision) -> tuple[str, ...]:
    """The planned effects of a decision, whose notices and alerts are known already."""
    key = f"{decision.before.id}:{decision.after.seq}"
    cost = decision.before.cost
    return _words(decision.edge, decision.facts, decision.notices, decision.alerts, cost=cost, key=key)


def effect_words(edge: Edge, facts: Facts, *, cost: int, key: str) -> tuple[str, ...]:
    """What a move has done, by name and idempotency key. `key` is `<job>:<seq>`, as in ledger and outbox.

    A function of the recorded facts alone, so that a replay recomputes it.
    """
    return _words(
        edge, facts, planned_notices(edge, facts, cost), planned_alerts(edge, facts), cost=cost, key=key
    )


def _words(
    edge: Edge,
    facts: Facts,
    notices: tuple[PlannedNotice, ...],
    alerts: tuple[PlannedAlert, ...],
    *,
    cost: int,
    key: str,
) -> tuple[str, ...]:
    money = edge.money if facts.held else None
    words = [f"{money}:{cost}:{key}"] if money is not None else []
    if edge.kind is EdgeKind.RETRY:
        words.append(f"retry:{facts.delay_ms}ms")
    words += [f"notify:{notice.kind}:{key}:{n}" for n, notice in enumerate(notices)]
    words += [f"alert:{alert.kind}:{key}:a{n}" for n, alert in enumerate(alerts)]
    return tuple(words)


def record(decision: Decision, *, graph: str, actor: str) -> dict[str, object]:
    """The history record of a decision: everything needed to recompute it (schema in diagrams/)."""
    event, source, target = decision.edge.words
    return {
        "v": 1,
        "job": decision.before.id,
        "seq": decision.after.seq,
        "ts": decision.facts.now_ms,
        "graph": graph,
        "event": event,
        "from": source,
        "to": target,
        "edge": decision.edge.id,
        "in": recorded(decision.facts),
        "out": list(_effects(decision)),
        "by": actor,
        "disp": "transition",
    }


def birth(job: Job) -> dict[str, object]:
    """The record of a submit, seq 0: what the later ones start from."""
    facts: dict[str, object] = {"cost": job.cost, "held": job.cost > 0, "deadline_ms": job.deadline_ms}
    if job.video is not None:
        facts["has_video"] = True
    return {
        "v": 1,
        "job": job.id,
        "seq": 0,
        "ts": job.created_ms,
        "graph": job.graph,
        "event": "submit",
        "to": job.state.value,
        "in": facts,
        "out": [f"{Money.HOLD}:{job.cost}:{job.id}:0"] if job.cost > 0 else [],
        "by": "user",
        "disp": "transition",
    }


def refusal(denied: Denied, *, graph: str, actor: str) -> dict[str, object]:
    """The record of a move that was not made; `seq` is the job's, which did not change."""
    return {
        "v": 1,
        "job": denied.job.id,
        "seq": denied.job.seq,
        "ts": denied.facts.now_ms,
        "graph": graph,
        "event": denied.trigger.value,
        "from": denied.job.state.value,
        "in": recorded(denied.facts),
        "out": [],
        "by": actor,
        "disp": "denied",
        "why": denied.why,
    }
