"""History records, events and ledger rows as short rows, and back to exactly what they say.

A history is most of what a finished job leaves behind, and most of a record follows from where it lies:
its job and place, the graph that the row before it had, the event inside the edge's name. A row leaves that
out. What does not have the usual form is kept whole, as the JSON object it is; readers take both.

    transition  [op, ms, "<from><to>", edge, rnd, cfg, held, deadline - ms, effects, inputs, by, graph]
    submit      [0, ms, graph, cost, held, deadline - ms, effects, inputs, by]
    event       [job, user, ms, seq, "<from><to>", edge, data]
    ledger row  [kind, job, seq, ms, amount, balance]

Empty ends are cut off. `op` of a worker (`<epoch>:<seq>:<event>`) stands without its seq, any other behind
`=`; `edge` without the state it starts from, 0 when it is the worker's event; `*` in an effect is
`<job>:<seq>`. Effects are kept, though a graph could tell them: they say what was planned then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from engine.codec import decode, encode
from engine.values import Entry, EntryKind, Event
from states.vocabulary import State

_RECORD: Final = (
    "v", "job", "seq", "ts", "graph", "event", "from", "to", "edge", "in", "out", "by", "disp",
)  # fmt: skip
_BIRTH: Final = ("v", "job", "seq", "ts", "graph", "event", "to", "in", "out", "by", "disp")
_INPUTS: Final = ("now_ms", "rnd", "cfg", "held", "deadline_ms")
_BIRTH_INPUTS: Final = ("cost", "held", "deadline_ms")
_MADE: Final = "transition"
_SUBMIT: Final = "submit"
_WORKER: Final = "worker"
_USER: Final = "user"
_LETTERS: Final[Mapping[str, str]] = {
    "": "-",
    State.QUEUED: "q",
    State.GENERATING: "g",
    State.RETRY_WAIT: "w",
    State.SENDING: "s",
    State.DONE: "d",
    State.REFUNDED: "r",
    State.FAILED: "f",
}
_STATES: Final = {letter: str(state) for state, letter in _LETTERS.items()}
_OF_WORKER: Final = re.compile(r"([0-9]+):([0-9]+):([a-z_]+)")
_DELTAS: Final = {EntryKind.HOLD.value: -1, EntryKind.CAPTURE.value: 0, EntryKind.RELEASE.value: 1}

_EVENT: Final = ("job_id", "user_id", "ms", "seq", "way", "step")
_LEDGER: Final = ("id", "ms", "kind", "amount", "delta", "balance", "job", "note")

Record = dict[str, Any]


# --- histories ------------------------------------------------------------------------------------------


def history_row(record: Mapping[str, Any], op: str, *, job: str, seq: int, graph: str) -> bytes:
    """A transition's row at place `seq` of a job that had this graph. The same op gives the same opening."""
    row = _transition(record, op, job, seq, graph) if tuple(record) == _RECORD else None
    return encode({**record, "op": op} if row is None else row)


def birth_row(record: Mapping[str, Any], *, job: str) -> bytes:
    """The row of a submit."""
    row = _birth(record, job) if tuple(record) == _BIRTH else None
    return encode(record if row is None else row)


def _transition(record: Mapping[str, Any], op: str, job: str, seq: int, graph: str) -> list[Any] | None:
    ts, source, target, facts = record["ts"], record["from"], record["to"], record["in"]
    step, effects = _step(record["edge"], source, record["event"]), _shortened(record["out"], f"{job}:{seq}")
    usual = (record["v"], record["job"], record["seq"], record["disp"]) == (1, job, seq, _MADE)
    named = step and record["by"] and record["graph"] and source in _LETTERS and target in _LETTERS
    if not (usual and named) or effects is None:
        return None
    if tuple(facts)[:5] != _INPUTS or facts["now_ms"] != ts or type(facts["held"]) is not bool:
        return None
    word, happened = _short_op(op, seq)
    return _cut(
        [
            word,
            ts,
            _LETTERS[source] + _LETTERS[target],
            0 if step == happened else step,
            facts["rnd"],
            facts["cfg"],
            int(facts["held"]),
            facts["deadline_ms"] - ts,
            effects or 0,
            _others(facts, _INPUTS),
            0 if record["by"] == _WORKER else record["by"],
            0 if record["graph"] == graph else record["graph"],
        ]
    )


def _birth(record: Mapping[str, Any], job: str) -> list[Any] | None:
    ts, facts, effects = record["ts"], record["in"], _shortened(record["out"], f"{job}:0")
    usual = (1, job, 0, _SUBMIT, State.QUEUED, _MADE)
    found = tuple(record[name] for name in ("v", "job", "seq", "event", "to", "disp"))
    if found != usual or effects is None or tuple(facts)[:3] != _BIRTH_INPUTS:
        return None
    if type(facts["held"]) is not bool or not record["by"]:
        return None
    return _cut(
        [
            0,
            ts,
            record["graph"],
            facts["cost"],
            int(facts["held"]),
            facts["deadline_ms"] - ts,
            effects or 0,
            _others(facts, _BIRTH_INPUTS),
            0 if record["by"] == _USER else record["by"],
        ]
    )


def _step(edge: str, source: str, event: str) -> str:
    """The edge's name without the state it starts from, "" when it does not open with state and event."""
    step = edge.removeprefix(f"{source}/")
    return step if step != edge and step.partition("/")[0] == event else ""


def _short_op(op: str, seq: int) -> tuple[str, str]:
    """An operation as its row has it (`was_done` in `lua/lib/legal.lua` asks for the same), and its event."""
    found = _OF_WORKER.fullmatch(op)
    if found is None or found[2] != str(seq):
        return f"={op}", ""
    return f"{found[1]}:{found[3]}", found[3]


def _shortened(effects: Sequence[str], key: str) -> list[str] | None:
    return None if any("*" in effect for effect in effects) else [e.replace(key, "*") for e in effects]


def _others(facts: Mapping[str, Any], told: Sequence[str]) -> Any:
    return {name: value for name, value in facts.items() if name not in told} or 0


def _cut(row: list[Any]) -> list[Any]:
    while row[-1] == 0:
        row.pop()
    return row


def records_of(job: str, rows: Iterable[bytes]) -> list[Record]:
    """A job's whole history, oldest first, as it was recorded. Raises ValueError for what is no record."""
    found: list[Record] = []
    graph = ""
    for place, raw in enumerate(rows):
        found.append(record_of(raw, job, place, graph))
        graph = str(found[-1].get("graph", graph))
    return found


def lines_of(job: str, rows: Iterable[bytes]) -> list[bytes]:
    """A job's history as lines of a log. What cannot be read stands as it lies there."""
    found: list[bytes] = []
    graph = ""
    for place, raw in enumerate(rows):
        try:
            record = record_of(raw, job, place, graph)
        except ValueError:
            found.append(raw)
            continue
        graph = str(record.get("graph", graph))
        found.append(encode(record))
    return found


def record_of(raw: bytes, job: str, place: int, graph: str) -> Record:
    """The record of one row; `graph`: that of the row before. Raises ValueError for what is no record."""
    row = decode(raw)
    if isinstance(row, dict):
        return row
    try:
        made = _born(row, job) if row[0] == 0 else _grown(row, job, place, graph)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"no row of a history: {raw!r}") from error
    return made


def _grown(row: list[Any], job: str, place: int, graph: str) -> Record:
    op, ts, way, step, rnd, cfg, held, left, effects, others, by, own = row + [0] * (12 - len(row))
    if op[0] == "=":
        whole, happened = op[1:], ""
    else:
        epoch, _, happened = op.partition(":")
        whole = f"{epoch}:{place}:{happened}"
    step = step or happened
    source, target = _STATES[way[0]], _STATES[way[1]]
    facts = dict(zip(_INPUTS, (ts, rnd, cfg, held == 1, ts + left), strict=True)) | (others or {})
    values = (1, job, place, ts, own or graph, step.partition("/")[0], source, target, f"{source}/{step}")
    rest = (facts, _whole(effects, f"{job}:{place}"), by or _WORKER, _MADE)
    return {**dict(zip(_RECORD, values + rest, strict=True)), "op": whole}


def _born(row: list[Any], job: str) -> Record:
    _, ts, graph, cost, held, left, effects, others, by = row + [0] * (9 - len(row))
    facts = {"cost": cost, "held": held == 1, "deadline_ms": ts + left} | (others or {})
    told = (_whole(effects, f"{job}:0"), by or _USER, _MADE)
    values = (1, job, 0, ts, graph, _SUBMIT, State.QUEUED.value, facts, *told)
    return dict(zip(_BIRTH, values, strict=True))


def _whole(effects: Any, key: str) -> list[str]:
    return [effect.replace("*", key) for effect in effects or ()]


# --- events and ledger rows -----------------------------------------------------------------------------


def event_row(event: Event) -> bytes:
    """A transition for the event feed; its id is given by the feed."""
    born = (event.edge, event.source, event.trigger) == (_SUBMIT, "", _SUBMIT)
    step = _SUBMIT if born else _step(event.edge, event.source, event.trigger)
    if not step or event.source not in _LETTERS or event.target not in _LETTERS:
        names = ("job_id", "user_id", "ms", "seq", "trigger", "source", "target", "edge", "data")
        return encode({name: getattr(event, name) for name in names})
    way = _LETTERS[event.source] + _LETTERS[event.target]
    row = [event.job_id, event.user_id, event.ms, event.seq, way, step]
    return encode([*row, event.data] if event.data else row)


def event_of_row(entry_id: bytes | str, raw: bytes) -> Event:
    """An event read from the feed."""
    name = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    row = decode(raw)
    if isinstance(row, dict):
        return Event(**{**row, "id": name, "data": MappingProxyType(row["data"])})
    job, user, ms, seq, way, step = row[:6]
    source = _STATES[way[0]]
    return Event(
        id=name,
        job_id=job,
        user_id=user,
        ms=ms,
        seq=seq,
        trigger=step.partition("/")[0],
        source=source,
        target=_STATES[way[1]],
        edge=f"{source}/{step}" if source else step,
        data=MappingProxyType(row[6] if len(row) > len(_EVENT) else {}),
    )


def ledger_fields(raw: bytes) -> dict[str, Any]:
    """A ledger row (written by `lua/lib/ledger.lua`) by its names. Raises ValueError for what is none."""
    row = decode(raw)
    if isinstance(row, dict):
        return row
    try:
        kind, job, seq, ms, amount, balance = row
        delta = amount * _DELTAS[kind]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no row of a ledger: {raw!r}") from error
    values = (f"{job}:{seq}", ms, kind, amount, delta, balance, job, "")
    return dict(zip(_LEDGER, values, strict=True))


def entry_of_row(raw: bytes) -> Entry:
    """A ledger row as a line of a statement."""
    fields = ledger_fields(raw)
    job = fields.pop("job", "")
    return Entry(**{**fields, "kind": EntryKind(fields["kind"]), "job_id": job})
