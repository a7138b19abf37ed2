"""The store against a model of plain values, by Hypothesis: what fails is shrunk to a few calls.

The model knows of each job its state, lease, due time, hints and money. Calls come from live and from stale
workers, twice, late, from users who cancel and operators who set jobs aside; each answer is predicted.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from engine.check.sweep import check_store
from engine.errors import Refusal
from engine.values import NewJob
from states.job import Hint, Job, Video
from states.vocabulary import Hold, State
from tests.engine.store_model import FUNDS, MOVES, USERS, WORKERS, Ground, Known, Model
from tests.factories import LEASE_MS, make_request

VIDEO = Video(url="https://cdn.test/v.mp4", task_n=1)
OTHER_END = {True: State.REFUNDED, False: State.FAILED}
"""Where a job cannot end: `free` or not."""
index = st.integers(0, 10_000)


class Machine(Model):
    """The calls."""

    # --- users ----------------------------------------------------------------------------------

    @rule(user=st.sampled_from(USERS), tap=st.integers(0, 5), cost=st.sampled_from((0, 1, 7)))
    def submit(self, user: int, tap: int, cost: int) -> None:
        self._submit(NewJob(f"{user}-{tap}", user, cost, make_request(user)))

    @precondition(lambda self: any(not known.live for known in self.known.values()))
    @rule(n=index)
    def ask_for_the_video_again(self, n: int) -> None:
        """A re-delivery: free, with its video, once a button."""
        ended = [known.job for known in self.known.values() if not known.live]
        source = ended[n % len(ended)]
        idem = f"again-{source.id}"
        request = make_request(source.user_id)
        self._submit(NewJob(idem, source.user_id, 0, request, source_job=source.id, video=VIDEO))

    @precondition(lambda self: self.known)
    @rule(n=index)
    def cancel(self, n: int) -> None:
        """From the front door, which fences whoever holds the job."""
        known = self.any_job(n)
        free = known.job.hold is Hold.NONE
        edge = "queued/cancel/free" if free else "queued/cancel"
        self._move(known.job, edge, State.FAILED if free else State.REFUNDED, keep=False, unclaim=True)

    # --- workers --------------------------------------------------------------------------------

    @rule(worker=st.sampled_from(WORKERS), queued_ok=st.booleans(), twice=st.booleans())
    def claim(self, worker: str, queued_ok: bool, twice: bool) -> None:
        token = self.store.randomness.token()
        self.store._unheard[worker, 0] = token
        claim = self.run(self.store.claim(worker, partition=0, lease_ms=LEASE_MS, queued_ok=queued_ok))
        if claim.job is None:
            assert not [k for k in self.known.values() if k.waits(self.now_ms, queued_ok=queued_ok)]
            self._back_in_line()
            return
        known = self.known[claim.job.id]
        assert known.waits(self.now_ms, queued_ok=queued_ok), "nobody may have it now"
        working = known.job.state in (State.GENERATING, State.SENDING)
        assert claim.lost == bool(known.owner and working)
        assert claim.job == replace(known.job, epoch=known.job.epoch + 1, hints=tuple(known.hints))
        known.job, known.owner = replace(claim.job, hints=()), worker
        known.lease_end, known.in_line, known.noted = self.now_ms + LEASE_MS, False, False
        self.snapshots.append(claim.job)
        self._back_in_line()
        if twice:
            self.store._unheard[worker, 0] = token
            again = self.run(self.store.claim(worker, partition=0, lease_ms=LEASE_MS, queued_ok=queued_ok))
            assert again.job == claim.job, "the same claim is the same job"

    @precondition(lambda self: self.snapshots)
    @rule(
        n=st.integers(1, 12),
        which=index,
        keep=st.booleans(),
        unclaim=st.sampled_from((False, False, False, True)),
        due_s=st.sampled_from((0.0, 0.5, 5.0)),
    )
    def commit(self, n: int, which: int, keep: bool, unclaim: bool, due_s: float) -> None:
        """By whoever has a snapshot, however old."""
        seen = self.snapshots[-min(n, len(self.snapshots))]
        fitting = [move for move in MOVES if move[1] is seen.state] or MOVES
        edge, _, target = fitting[which % len(fitting)] if which % 10 else MOVES[which % len(MOVES)]
        self._move(seen, edge, target, keep=keep, unclaim=unclaim, due_s=due_s)

    @rule(moves=st.lists(st.tuples(index, st.booleans()), min_size=1, max_size=6), tap=st.integers(6, 40))
    def live_on(self, moves: list[tuple[int, bool]], tap: int) -> None:
        """A worker that does its work: without it lives would end young, and nothing deep be tried."""
        self.submit(USERS[tap % len(USERS)], tap, tap % 3)
        for which, keep in moves:
            seen = self.snapshots[-1] if self.snapshots else None
            known = self.known[seen.id] if seen else None
            if not (seen and known and known.held_under(seen)):
                self.pass_time(0.7 if which % 2 else 20.0)
                self.claim(WORKERS[which % len(WORKERS)], queued_ok=True, twice=False)
                continue
            if which % 3 == 0:
                self._hinted(known, Hint("callback", 1 + which % 4, "t"))  # news while it is worked on
            free = known.job.hold is Hold.NONE
            fitting = [m for m in MOVES if m[1] is seen.state and m[2] is not OTHER_END[free]]
            edge, _, target = fitting[which % len(fitting)]
            self._move(seen, edge, target, keep=keep, unclaim=False, due_s=0.5)
        self.claim(WORKERS[tap % len(WORKERS)], queued_ok=False, twice=False)  # what is due at once is found

    @precondition(lambda self: self.snapshots)
    @rule(n=st.integers(1, 8))
    def note(self, n: int) -> None:
        seen = self.snapshots[-min(n, len(self.snapshots))]
        known = self.known[seen.id]
        answer = self.run(self.store.note(replace(seen, hints=())))
        if known.job.epoch != seen.epoch:
            assert answer is Refusal.FENCED
        elif known.job.seq != seen.seq:
            assert answer is Refusal.STALE
        elif not known.owner and not known.noted:
            assert answer is Refusal.FENCED
        else:
            assert isinstance(answer, Job)
            known.noted = True

    @precondition(lambda self: self.snapshots)
    @rule(n=st.integers(1, 6), due_s=st.sampled_from((0.0, 0.7, 30.0)))
    def park(self, n: int, due_s: float) -> None:
        seen = self.snapshots[-min(n, len(self.snapshots))]
        known, due_ms = self.known[seen.id], self.now_ms + round(due_s * 1000)
        answer = self.run(self.store.park(seen, due_ms))
        if known.job.epoch != seen.epoch:
            assert answer is Refusal.FENCED
        elif known.job.seq != seen.seq:
            assert answer is Refusal.STALE
        else:
            assert answer is None
            if known.owner:
                del known.hints[: len(seen.hints)]
                known.owner = ""
                queued = known.job.state is State.QUEUED and due_ms <= self.now_ms and not known.hints
                known.in_line = queued
                known.due_ms = known.job.deadline_ms if queued else self.now_ms if known.hints else due_ms

    @rule(worker=st.sampled_from(WORKERS))
    def beat(self, worker: str) -> None:
        """For every snapshot it could believe in."""
        asked = list({seen.id: (seen.id, seen.epoch) for seen in self.snapshots}.values())
        lost = self.run(self.store.beat(worker, asked, lease_ms=LEASE_MS))
        for job_id, epoch in asked:
            known = self.known[job_id]
            ours = known.owner == worker and known.job.epoch == epoch
            assert (job_id in lost) != ours
            known.lease_end = self.now_ms + LEASE_MS if ours else known.lease_end

    # --- signals, operators, time ---------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(n=index, task=st.integers(1, 3))
    def hint(self, n: int, task: int) -> None:
        self._hinted(self.any_job(n), Hint("callback", task, "t"))

    def _hinted(self, known: Known, hint: Hint) -> None:
        answer = self.run(self.store.hint(known.job.id, hint))
        assert answer is (None if known.live else Refusal.STALE)
        if known.live and hint not in known.hints:
            known.hints.append(hint)
            if not known.owner and not known.aside:
                known.due_ms = self.now_ms

    @precondition(lambda self: self.known)
    @rule(n=index, stale=st.sampled_from((None, 0, 1)))
    def set_aside(self, n: int, stale: int | None) -> None:
        known = self.any_job(n)
        epoch = None if stale is None else known.job.epoch - stale
        answer = self.run(self.store.quarantine(known.job.id, "odd", epoch=epoch))
        if not known.live:
            assert answer is Refusal.STALE
        elif known.aside:
            assert answer is None
        elif stale:
            assert answer is Refusal.FENCED
        else:
            assert answer is None
            known.aside, known.owner, known.in_line = True, "", False
            known.job = replace(known.job, epoch=known.job.epoch + 1)

    @precondition(lambda self: any(known.aside for known in self.known.values()))
    @rule(n=index)
    def bring_back(self, n: int) -> None:
        aside = [known for known in self.known.values() if known.aside]
        known = aside[n % len(aside)]
        assert self.run(self.store.unquarantine(known.job.id)) is None
        known.aside = False
        known.in_line = known.job.state is State.QUEUED
        known.due_ms = known.job.deadline_ms if known.in_line else self.now_ms

    @rule(seconds=st.sampled_from((0.1, 1.0, 20.0)))
    def pass_time(self, seconds: float) -> None:
        self.ground.clock.advance(seconds)

    # --- the verdict ----------------------------------------------------------------------------

    def teardown(self) -> None:
        """Money, places, documents, histories; and the checker agrees."""
        if not hasattr(self, "books"):
            return
        for user in USERS:
            mine = [k.job for k in self.known.values() if k.job.user_id == user]
            account = self.run(self.store.account(user))
            assert account.held == sum(job.cost for job in mine if job.hold is Hold.HELD)
            spent = sum(job.cost for job in mine if job.hold is Hold.CAPTURED)
            assert account.balance == FUNDS - account.held - spent
        command = self.store.connection.command
        flat = self.run(command("ZRANGE", "{1768}:t", 0, -1, "WITHSCORES"))
        timers = {name.decode(): int(float(score)) for name, score in zip(flat[::2], flat[1::2], strict=True)}
        timed = [k for k in self.known.values() if k.live and not k.aside]
        assert timers == {k.job.id: k.lease_end if k.owner else k.due_ms for k in timed}
        aside = {one.job_id for one in self.run(self.store.quarantined())}
        assert aside == {k.job.id for k in self.known.values() if k.aside}
        for known in self.known.values():
            hints = tuple(known.hints) if known.live else ()
            assert self.run(self.store.read(known.job.id)) == replace(known.job, hints=hints)
            rows = self.run(self.store.history(known.job.id))
            assert [row["seq"] for row in rows] == list(range(known.job.seq + 1))
        assert self.run(check_store(self.ground.reader)).findings == ()


@pytest.fixture
def ground(server_url: str) -> Iterator[Ground]:
    Ground.here = Ground(server_url)
    yield Ground.here
    Ground.here.close()


CHECKS = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_calls_in_any_order_break_the_store(ground: Ground) -> None:
    run_state_machine_as_test(Machine, settings=CHECKS)


@pytest.mark.faults
def test_no_fresh_calls_in_any_order_break_the_store(ground: Ground) -> None:
    """Other examples at every run; Hypothesis prints what fails, as a test."""
    fresh = settings(CHECKS, max_examples=400, derandomize=False, print_blob=True)
    run_state_machine_as_test(Machine, settings=fresh)
