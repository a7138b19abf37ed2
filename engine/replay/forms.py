"""Lines recognised by their bytes: a record of a known form is judged without being parsed.

Most lines of a log are alike but for job, times, random number, deadline, wait and epoch. A form is a line
that was parsed and judged *same*, with holes in those places. It is proved before it is used: filled with
values that stand nowhere else it must be judged *same* again. A line fits when the form, filled with what
stands in the line's holes, is that very line; then it parses as the form does, and the same holds of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from engine.replay.plans import Plan
from engine.replay.track import STAMP, Spot, Track
from states.backoff import jittered_ms

JOB: Final = b'{"v":1,"job":"'
JOB_AT: Final = len(JOB)
PLAIN: Final = b"-.:~_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What an id may consist of where JSON must not be looked at: no quotes, no escapes."""
_RND: Final = b',"rnd":0.'
"""Random numbers below 1e-4 are written otherwise; their lines are parsed."""
_RND_LONG: Final = len(_RND)
_CLOSE: Final = b'"}\n'
_OP: Final = b',"op":"'
_WAIT: Final = b"\x05"


@dataclass(slots=True, eq=False)
class Form:
    """A line judged *same*, in the pieces between its holes."""

    move: bytes
    """From the first time to the second: graph, event, states, edge."""
    mid: bytes
    """From the random number to the deadline."""
    tails: list[bytes]
    """From there to `op`, around its keys (job and number); for a wait a mark stands."""
    plan: Plan
    then: Spot
    cost: int
    """The job's credits where an effect names them, otherwise -1: any."""
    counter: str
    n: int
    in_time: bool
    """Would a retry come before the deadline?"""
    retry_after_s: float | None
    alternative: bool
    fails: bool = field(init=False)
    tail: bytes = field(init=False)
    """What the tail begins with, up to the first hole; `tail_at`: how far after the random number."""
    tail_at: int = field(init=False)

    def __post_init__(self) -> None:
        self.fails = self.plan.fails
        self.tail = self.tails[0].partition(_WAIT)[0]
        self.tail_at = len(self.mid) + STAMP

    def filled(self, name: bytes, seq: int, ts: bytes, rnd: bytes, due: bytes, op: bytes) -> bytes:
        """The line with these values in its holes."""
        number, key = numbered(seq)
        tails = self.tails
        tail = tails[0] if len(tails) == 1 else (name + key).join(tails)
        if self.fails:
            tail = tail.replace(_WAIT, b"%d" % self.wait_ms(rnd))
        return b"".join((JOB, name, number, ts, self.move, ts, _RND, rnd, self.mid, due, tail, op, _CLOSE))

    def wait_ms(self, rnd: bytes) -> int:
        """Milliseconds until the retry that this form plans. `rnd`: the digits after the point."""
        plan = self.plan
        if self.alternative or not plan.fails:
            return 0
        return jittered_ms(plan.base_s, plan.jitter, float(b"0." + rnd), self.retry_after_s)


@lru_cache(1024)
def numbered(seq: int) -> tuple[bytes, bytes]:
    """What stands around the job's number: between its id and its time, and at the end of its keys."""
    return b'","seq":%d,"ts":' % seq, b":%d" % seq


def fitting(line: bytes, track: Track, spot: Spot, end: int) -> Form | None:
    """The form that this line has and that its job may have next; the track goes on. `end`: of the id."""
    seq = track.seq + 1
    at = end + len(numbered(seq)[0])
    upto = at + STAMP
    ts, to = line[at:upto], line.find(_RND, upto)
    forms = spot.forms.get(line[upto : to - STAMP])
    if forms is None or ts < track.stamp or not ts.isdigit():
        return None
    begin = to + _RND_LONG
    comma = line.find(b",", begin)
    rnd, op = line[begin:comma], line[line.rfind(b'"', comma, -3) + 1 : -3]
    if not rnd.isdigit() or op.translate(None, PLAIN):
        return None
    name = track.name
    for form in forms:
        if not line.startswith(form.tail, comma + form.tail_at):
            continue
        if form.filled(name, seq, ts, rnd, track.due, op) != line:
            continue
        if form.cost >= 0 and form.cost != track.cost:
            continue
        if form.fails and not _fails_alike(form, track, ts, rnd):
            continue
        track.seq, track.stamp, track.spot = seq, ts, form.then
        if form.plan.renders:
            track.rendered_ms = int(ts)
        return form
    return None


def _fails_alike(form: Form, track: Track, ts: bytes, rnd: bytes) -> bool:
    """Do count and deadline of a failure follow? Counts it when they do."""
    again_ms = int(ts) + form.wait_ms(rnd)
    if track.counts.get(form.counter, 0) != form.n or (again_ms < track.deadline_ms) is not form.in_time:
        return False
    if not form.alternative:
        track.counts[form.counter] = form.n + 1
    return True


def cut(line: bytes, facts: Mapping[str, Any], track: Track, plan: Plan, then: Spot) -> Form | None:
    """The form of a line just judged, not proved yet; None when it is not written as we write."""
    name, ts, due = track.name, b"%d" % facts["now_ms"], b"%d" % track.deadline_ms
    number, key = numbered(track.seq)
    head, _, rest = line.partition(_RND)
    mid, _, tail = rest.partition(due)
    rnd, _, mid = mid.partition(b",")
    tail, _, op = tail.rpartition(_OP)
    if plan.life_ms or len(due) != STAMP or not rnd.isdigit():
        return None
    wait_ms = facts.get("delay_ms", 0) if plan.fails else 0  # nobody has looked at another one's
    form = Form(
        move=head[JOB_AT + len(name) + len(number) + STAMP : -STAMP],
        mid=b"," + mid,
        tails=(_around(tail, wait_ms) + _OP).split(name + key),
        plan=plan,
        then=then,
        cost=track.cost if plan.money else -1,
        counter=plan.counter,
        n=facts.get("n", 0),
        in_time=facts["now_ms"] + wait_ms < facts["deadline_ms"],
        retry_after_s=facts.get("retry_after_s"),
        alternative=bool(facts.get("alternative")),
    )
    return form if form.filled(name, track.seq, ts, rnd, due, op[:-3]) == line else None


def _around(tail: bytes, wait_ms: int) -> bytes:
    """The tail with a mark for the wait, which a record names as an input and as an effect."""
    if wait_ms:
        for words in (b'"delay_ms":%b,', b'"delay_ms":%b}', b'"retry:%bms"'):
            tail = tail.replace(words % (b"%d" % wait_ms), words % _WAIT)
    return tail
