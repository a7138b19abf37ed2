"""Short rows say exactly what the records, events and ledger rows said that they were made of."""

from itertools import pairwise
from typing import Any

import pytest

from engine.codec import decode, encode
from engine.replay.drive import Drive
from engine.replay.walks import edge_walks
from engine.rows import (
    birth_row,
    entry_of_row,
    event_of_row,
    event_row,
    history_row,
    ledger_fields,
    lines_of,
    records_of,
)
from engine.values import Entry, EntryKind, Event
from states.graph import GRAPH

WALKS = edge_walks(GRAPH)
Record = dict[str, Any]


def _lived(number: int) -> tuple[str, list[Record]]:
    """A job's id and its records, op and all: together the walks take every edge."""
    drive = Drive(WALKS[number], seed=number)
    born, *moved = drive.records()
    job = drive.job.id
    return job, [born, *({**row, "op": f"3:{row['seq']}:{row['event']}"} for row in moved)]


def _rows(job: str, records: list[Record]) -> list[bytes]:
    rows = [birth_row(records[0], job=job)]
    for before, record in pairwise(records):
        bare = {name: value for name, value in record.items() if name != "op"}
        rows.append(
            history_row(bare, record["op"], job=job, seq=before["seq"] + 1, graph=str(before["graph"]))
        )
    return rows


@pytest.mark.parametrize("number", range(len(WALKS)))
def test_a_history_is_a_log_of_the_same_bytes(number: int) -> None:
    job, records = _lived(number)
    rows = _rows(job, records)
    assert all(row.startswith(b"[") for row in rows), "each has the usual form"
    assert lines_of(job, rows) == [encode(record) for record in records]
    assert [encode(record) for record in records_of(job, rows)] == lines_of(job, rows)


def test_rows_are_a_third_of_their_records() -> None:
    job, records = _lived(0)
    rows = _rows(job, records)
    assert sum(map(len, rows)) * 2.5 < sum(len(encode(record)) for record in records)


@pytest.mark.parametrize(
    "odd",
    [
        {"v": 2},
        {"job": "0-another"},
        {"seq": 9},
        {"disp": "denied"},
        {"event": "resume"},
        {"from": "nowhere"},
        {"to": "nowhere"},
        {"edge": "queued"},
        {"by": ""},
        {"graph": ""},
        {"out": ["notify:*"]},
        {"in": {}},
        {"ts": 5},
        {"why": "because"},
    ],
)
def test_what_has_another_form_is_kept_whole(odd: Record) -> None:
    job, (born, moved, *_) = _lived(0)
    for place, record in ((0, born), (1, moved)):
        op = {name: record[name] for name in ("op",) if name in record}
        strange = {n: v for n, v in record.items() if n != "op"} | odd | op
        rows = _rows(job, [strange if place == 0 else born, strange if place else moved])
        assert lines_of(job, rows)[place] == encode(strange)


def test_a_row_says_who_did_it_and_by_which_graph_where_that_is_not_the_usual() -> None:
    job, (born, moved, *_) = _lived(0)
    strange = moved | {"by": "user", "graph": "another", "op": "cancel:1"}
    row = _rows(job, [born, strange])[1]
    assert row.startswith(b'["=cancel:1",')
    assert lines_of(job, [birth_row(born, job=job), row])[1] == encode(strange)


@pytest.mark.parametrize("op", ["1:2:start", "01:1:start", "1:01:start", "1:1:Start", "1:start", "=x", ""])
def test_an_operation_of_any_form_comes_back(op: str) -> None:
    job, (born, moved, *_) = _lived(0)
    rows = _rows(job, [born, moved | {"op": op}])
    assert records_of(job, rows)[1]["op"] == op


@pytest.mark.parametrize("raw", [b"{", b"[]", b"7", b"null", b'["1:start"]', b'[0,"x"]', b'[1,2,"qg"]'])
def test_what_is_no_row_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        records_of("0-job", [raw])
    assert lines_of("0-job", [raw]) == [raw]


@pytest.mark.parametrize(
    ("trigger", "source", "target", "edge", "short"),
    [
        ("submit", "", "queued", "submit", True),
        ("start", "queued", "generating", "queued/start", True),
        ("error", "sending", "failed", "sending/error/network/exhausted/free", True),
        ("error", "sending", "failed", "elsewhere/error", False),
        ("start", "nowhere", "queued", "nowhere/start", False),
    ],
)
@pytest.mark.parametrize("data", [{}, {"rule": None, "n": 1}])
def test_an_event_comes_back_as_it_went(
    trigger: str, source: str, target: str, edge: str, short: bool, data: dict[str, Any]
) -> None:
    event = Event("5-0", "0-job", 7, 5, 1, trigger, source, target, edge, data)
    raw = event_row(event)
    assert raw.startswith(b"[") is short
    assert event_of_row(b"5-0", raw) == event_of_row("5-0", raw) == event


@pytest.mark.parametrize(("kind", "delta"), [("hold", -3), ("capture", 0), ("release", 3)])
def test_a_ledger_row_is_an_entry(kind: str, delta: int) -> None:
    short = f'["{kind}","0-job",4,5,3,9]'.encode()
    long = encode({**ledger_fields(short)})
    assert decode(long)["delta"] == delta
    entry = Entry("0-job:4", 5, EntryKind(kind), 3, delta, 9, "0-job")
    assert entry_of_row(short) == entry_of_row(long) == entry


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"7", b'["gift","0-job",4,5,3,9]', b'["hold","0-job",4,5,{},9]']
)
def test_what_is_no_ledger_row_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ledger_fields(raw)
