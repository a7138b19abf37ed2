"""I1 to I4: what a user's ledger, account and jobs say about the same credits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.check.values import Finding, JobRead, Tally, UserRead
from engine.keys import GRANTS, PAYMENTS, REVENUE, TRIALS
from engine.rows import ledger_fields
from engine.values import EntryKind
from states.vocabulary import TERMINALS, Hold, State

SOURCES: Final[Mapping[str, str]] = {
    EntryKind.TRIAL: TRIALS,
    EntryKind.GRANT: GRANTS,
    EntryKind.CORRECTION: GRANTS,
    EntryKind.PAYMENT: PAYMENTS,
}
"""Which contra account a booking from outside a job comes from."""
_JOB_KINDS: Final = (EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.RELEASE)
_ENDS: Final = {Hold.HELD: (), Hold.CAPTURED: (EntryKind.CAPTURE,), Hold.RELEASED: (EntryKind.RELEASE,)}


@dataclass(frozen=True, slots=True)
class Row:
    """A ledger row that could be read."""

    place: int
    id: str
    kind: str
    amount: int
    delta: int
    balance: int
    job: str


def money_findings(user: UserRead, tally: Tally) -> Iterator[Finding]:
    """Judge one user's credits, and add them to the partition's tally."""
    rows, broken = _read_rows(user)
    yield from broken
    bal, held = _number(user.account.get("bal")), _number(user.account.get("held"))
    tally.total += bal + held
    _add_up(rows, tally)
    if not broken:
        yield from _balances(user, rows, bal)
    yield from _externals(user, rows)
    yield from _jobs(user, rows, held)


def _number(word: str | None) -> int:
    return int(word) if word and word.removeprefix("-").isdecimal() else 0


def _read_rows(user: UserRead) -> tuple[list[Row], list[Finding]]:
    rows: list[Row] = []
    broken: list[Finding] = []
    for place, raw in enumerate(user.rows):
        row = _row(place, raw)
        if row is None or not _fits(row):
            broken.append(_says(user, "I1.row", "a ledger row is damaged", str(place), found=_text(raw)))
        if row is not None:
            rows.append(row)
    return rows, broken


def _row(place: int, raw: bytes) -> Row | None:
    try:
        fields = ledger_fields(raw)
        amount, delta, balance = (fields[name] for name in ("amount", "delta", "balance"))
        if not all(type(number) is int for number in (amount, delta, balance)):
            return None
        kind, job = str(fields["kind"]), str(fields.get("job", ""))
        return Row(place, str(fields["id"]), kind, amount, delta, balance, job)
    except (ValueError, KeyError, TypeError):
        return None


def _fits(row: Row) -> bool:
    match row.kind:
        case EntryKind.HOLD:
            return row.delta == -row.amount < 0 and bool(row.job)
        case EntryKind.CAPTURE:
            return row.delta == 0 < row.amount and bool(row.job)
        case EntryKind.RELEASE:
            return row.delta == row.amount > 0 and bool(row.job)
        case _:
            return row.kind in SOURCES and abs(row.delta) == row.amount > 0 and not row.job


def _add_up(rows: Sequence[Row], tally: Tally) -> None:
    for row in rows:
        if row.kind == EntryKind.CAPTURE:
            tally.contras[REVENUE] += row.amount
        elif row.kind in SOURCES:
            tally.contras[SOURCES[row.kind]] -= row.delta


def _balances(user: UserRead, rows: Sequence[Row], bal: int) -> Iterator[Finding]:
    before = 0
    for row in rows:
        expected = before + row.delta
        if row.balance != expected:
            what = "a ledger row's balance does not follow from the one before"
            yield _says(user, "I1.running", what, row.id, str(expected), str(row.balance), row.job)
        before = row.balance
    summed = sum(row.delta for row in rows)
    if summed != bal:
        what = "the balance is not the sum of the rows"
        yield _says(user, "I1.balance", what, "bal", str(summed), str(bal))


def _externals(user: UserRead, rows: Sequence[Row]) -> Iterator[Finding]:
    booked = Counter(row.id for row in rows if row.kind in SOURCES)
    for external, times in booked.items():
        if times > 1:
            yield _says(user, "I1.external", "an external id is booked twice", external, "1", str(times))
        if external not in user.externals:
            yield _says(user, "I1.external", "a booking's external id is not on record", external)
    for external in user.externals - booked.keys():
        yield _says(user, "I1.external", "an external id is on record without its row", external)


def _jobs(user: UserRead, rows: Sequence[Row], held: int) -> Iterator[Finding]:
    of_job: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind in _JOB_KINDS:
            of_job.setdefault(row.job, []).append(row)
    open_holds = sum(_signed(row) for row in rows)
    if open_holds != held:
        what = "held credits are not the open holds of the ledger"
        yield _says(user, "I2.held", what, "held", str(open_holds), str(held))
    jobs = {job.id: job for job in user.jobs if job.exists and job.guards.get("uid") == user.uid}
    costs = sum(job.number("cost") or 0 for job in jobs.values() if job.guards.get("hold") == Hold.HELD)
    if costs != held:
        what = "held credits are not the costs of the jobs that hold them"
        yield _says(user, "I2.jobs", what, "held", str(costs), str(held))
    for job_id, mine in of_job.items():
        yield from _sequence(user, job_id, mine)
        if len(mine) == 1 and mine[0].kind == EntryKind.HOLD and job_id not in jobs:
            yield _says(user, "I3.nobody", "credits are held for a job that is gone", mine[0].id, job=job_id)
    for job in jobs.values():
        yield from _job(user, job, of_job.get(job.id, []))


def _signed(row: Row) -> int:
    if row.kind == EntryKind.HOLD:
        return row.amount
    return -row.amount if row.kind in _JOB_KINDS else 0


def _sequence(user: UserRead, job_id: str, mine: Sequence[Row]) -> Iterator[Finding]:
    kinds = [row.kind for row in mine]
    if kinds[0] != EntryKind.HOLD or len(kinds) > 2 or kinds.count(EntryKind.HOLD) > 1:
        what = "a job's rows are not one hold and one end"
        yield _says(user, "I3.order", what, mine[-1].id, "hold, capture or release", ", ".join(kinds), job_id)
    for row in mine:
        if row.amount != mine[0].amount:
            what = "a job's rows are of different amounts"
            yield _says(user, "I3.amount", what, row.id, str(mine[0].amount), str(row.amount), job_id)


def _job(user: UserRead, job: JobRead, mine: Sequence[Row]) -> Iterator[Finding]:
    state, hold, cost = job.guards.get("st", ""), job.guards.get("hold", ""), job.number("cost") or 0
    expected = _expected_hold(state, cost)
    if expected is not None and hold != expected:
        what = f"a {state} job of {cost} credits has the wrong hold"
        yield _says(user, "I4.state", what, "hold", expected, hold, job.id)
    ends = _ENDS.get(Hold(hold), None) if hold in list(Hold) else None
    said = [row.kind for row in mine]
    wanted = [EntryKind.HOLD, *ends] if ends is not None else []
    if said != wanted:
        what = "a job's hold is not what its rows say"
        yield _says(user, "I4.ledger", what, "rows", ", ".join(wanted) or "none", ", ".join(said), job.id)
    for row in mine:
        if row.amount != cost:
            what = "a row is not of its job's cost"
            yield _says(user, "I3.amount", what, row.id, str(cost), str(row.amount), job.id)
        place = 0 if row.kind == EntryKind.HOLD else job.number("seq")
        if row.id != f"{job.id}:{place}":
            what = "a row's id does not name the transition that moved the credits"
            yield _says(user, "I3.id", what, row.id, f"{job.id}:{place}", row.id, job.id)


def _expected_hold(state: str, cost: int) -> str | None:
    if state not in list(State):
        return None
    if state == State.DONE:
        return Hold.CAPTURED if cost else Hold.NONE
    if state == State.REFUNDED:
        return Hold.RELEASED
    if state in TERMINALS:
        return Hold.NONE
    return Hold.HELD if cost else Hold.NONE


def _text(raw: bytes) -> str:
    return raw[:120].decode(errors="replace")


def _says(
    user: UserRead, rule: str, what: str, entry: str = "", expected: str = "", found: str = "", job: str = ""
) -> Finding:
    return Finding(rule, what, user.partition, user.uid, job, entry, str(expected), str(found))
