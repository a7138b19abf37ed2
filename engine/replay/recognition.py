"""Which lines are recognised: forms learnt from lines that were judged, each proved before it is used."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from engine.codec import decode
from engine.replay.decisions import Decisions
from engine.replay.forms import JOB, JOB_AT, PLAIN, Form, cut, numbered
from engine.replay.plans import Plan
from engine.replay.track import STAMP, Spot, Track, begun
from engine.replay.values import Record

FORMS_MAX: Final = 8_000
"""Forms remembered; a log without two lines alike must not fill the memory."""
ALIKE_MAX: Final = 16
"""Forms of one length that a line is compared with: beyond them parsing is quicker."""
SEEN_MIN: Final = 2
"""What a log has hardly ever is not worth a form."""
_BIRTH: Final = numbered(0)[0]
_BIRTH_LONG: Final = len(_BIRTH)
_DUE: Final = b'"deadline_ms":'
_DUE_LONG: Final = len(_DUE)
_SEQ, _TS, _DUE_MS, _RND, _JOB = (
    777,
    9_111_222_333_444,
    9_222_333_444_555,
    b"2718281828",
    b"~:job.that-is_nowhere:~",
)
"""What holes are filled with when a form is proved."""


@dataclass(slots=True, eq=False)
class Birth:
    """A submit judged sound, but for job, time and deadline."""

    facts: bytes
    """From the time to the deadline: graph, event, state, credits."""
    tails: list[bytes]
    """From there on, around the job's key."""
    graph: str
    cost: int
    held: bool
    video: bool
    spot: Spot
    seen: int = 0

    def filled(self, name: bytes, ts: bytes, due: bytes) -> bytes:
        """The line of another job."""
        tail = (name + b":0").join(self.tails)
        return b"".join((JOB, name, _BIRTH, ts, self.facts, _DUE, due, tail))


class Recognition:
    """The forms learnt so far."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.births: dict[bytes, list[Birth]] = {}
        self._spots: dict[tuple[bool, str, str, bool], Spot] = {}
        self._forms = 0

    def spot(self, track: Track) -> Spot:
        """Where this job stands."""
        key = (track.held, track.state, track.stage, track.video)
        spot = self._spots.get(key)
        if spot is None:
            self._count()
            spot = self._spots[key] = Spot(*key[1:], self.decisions.known(*key))
        return spot

    def seen(self) -> Iterator[tuple[str, int]]:
        """Graphs of the submits recognised since the last asking, and how many."""
        for birth in chain.from_iterable(self.births.values()):
            if birth.seen:
                yield birth.graph, birth.seen
                birth.seen = 0

    def kept(self) -> int:
        """How many forms there are."""
        return sum(len(alike) for spot in self._spots.values() for alike in spot.forms.values())

    def _count(self) -> None:
        """One more is remembered. When they are too many, all are forgotten: the usual ones come back."""
        self._forms += 1
        if self._forms > FORMS_MAX:
            self._forms = 0
            self._spots.clear()
            for birth in chain.from_iterable(self.births.values()):
                birth.spot.forms.clear()
                birth.spot.seen.clear()

    def stands(self, track: Track) -> None:
        """From here this job's lines may be recognised, when its id and numbers are written plainly."""
        whole = type(track.ts) is int and type(track.deadline_ms) is int
        if whole and track.name and len(b"%d" % track.ts) == STAMP:
            track.stand(self.spot(track))

    def learn(self, line: bytes, row: Record, track: Track, plan: Plan, spot: Spot) -> None:
        """A move from `spot` was the same, and its track has gone on: its like need not be parsed."""
        seen = spot.seen.get(id(plan), 0)
        if seen < SEEN_MIN:
            spot.seen[id(plan)] = seen + 1
            return
        form = cut(line, row["in"], track, plan, self.spot(track)) if plain(track.name) else None
        if form is None:
            return
        alike = spot.forms.setdefault(form.move, [])
        if len(alike) < ALIKE_MAX and self._proved(form, spot, track):
            self._count()
            alike.append(form)

    def _proved(self, form: Form, spot: Spot, track: Track) -> bool:
        """Does the judge find the form, filled with other values, the same again?"""
        due_ms = _TS + 10**11 if form.in_time else _TS + form.wait_ms(_RND)
        probe = Track(
            seq=_SEQ - 1,
            state=spot.state,
            ts=_TS,
            cost=track.cost,
            held=track.held,
            deadline_ms=due_ms,
            video=spot.video,
            stage=spot.stage,
            counts={form.plan.counter: form.n},
            known=spot.known,
        )
        try:
            row = decode(form.filled(_JOB, _SEQ, b"%d" % _TS, _RND, b"%d" % due_ms, b"7:7"))
            plan = self.decisions.same(row, probe)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        return plan is form.plan and row["job"] == _JOB.decode()

    def born(self, line: bytes, end: int) -> Track | None:
        """The track of a submit that is recognised; its job's id ends at `end`."""
        at = end + _BIRTH_LONG
        upto = at + STAMP
        to = line.find(_DUE, upto)
        alike = self.births.get(line[upto:to])
        if alike is None:
            return None
        name, ts, due = line[JOB_AT:end], line[at:upto], line[to + _DUE_LONG : to + _DUE_LONG + STAMP]
        birth = next((one for one in alike if one.filled(name, ts, due) == line), None)
        if birth is None or name.translate(None, PLAIN):
            return None
        if due < ts or ts < b"1" or not (ts.isdigit() and due.isdigit()):
            return None
        birth.seen += 1
        rendered_ms = int(ts) if birth.video else 0
        return Track(
            0, "queued", 0, birth.cost, birth.held, int(due), birth.video, "", rendered_ms, {}, False,
            None, name, due, ts, birth.spot,
        )  # fmt: skip

    def learn_birth(self, line: bytes, row: Record, track: Track) -> None:
        """A submit was sound: its like need not be parsed."""
        name, ts, due = track.name, b"%d" % track.ts, b"%d" % track.deadline_ms
        head, _, rest = line.partition(_DUE)
        fact = head[JOB_AT + len(name) + _BIRTH_LONG + STAMP :]
        tails = rest[STAMP:].split(name + b":0")
        birth = Birth(fact, tails, row["graph"], track.cost, track.held, track.video, self.spot(track))
        alike = self.births.get(fact, [])
        if not plain(name) or len(due) != STAMP or len(alike) >= ALIKE_MAX or len(self.births) >= FORMS_MAX:
            return
        if birth.filled(name, ts, due) == line and self._sound(birth, track):
            self.births[fact] = [*alike, birth]

    def _sound(self, birth: Birth, track: Track) -> bool:
        """Is the birth, filled with other values, sound again?"""
        try:
            row = decode(birth.filled(_JOB, b"%d" % _TS, b"%d" % _DUE_MS))
            again = begun(row) if self.decisions.sound(row) else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        if again is None:
            return False
        alike = (again.cost, again.held, again.video) == (track.cost, track.held, track.video)
        return alike and (again.ts, again.deadline_ms, again.name) == (_TS, _DUE_MS, _JOB)


def plain(name: bytes) -> bool:
    """Is this an id in which nothing is quoted or escaped?"""
    return bool(name) and not name.translate(None, PLAIN)
