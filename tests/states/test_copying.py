"""The fast copy does what `dataclasses.replace` does."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from states.job import Job, copy_job
from states.vocabulary import NoticeKind, State
from tests.states.samples import make_job


def test_it_is_replace() -> None:
    job = make_job(State.GENERATING, send_attempts=3)
    before = replace(job)
    changes = {"seq": job.seq + 1, "told": frozenset({NoticeKind.PATIENCE}), "hints": ()}
    assert copy_job(job, **changes) == replace(job, **changes)  # type: ignore[arg-type]  # the very question
    assert copy_job(job) == job == before
    assert copy_job(job) is not job


def test_every_field_can_be_changed() -> None:
    job = make_job(State.QUEUED)
    for field in fields(Job):
        mark = object()
        assert getattr(copy_job(job, **{field.name: mark}), field.name) is mark


def test_the_copy_is_as_frozen_as_any() -> None:
    copy = copy_job(make_job(State.QUEUED))
    with pytest.raises(FrozenInstanceError):
        copy.seq = 1  # type: ignore[misc]  # the very question


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        copy_job(make_job(State.QUEUED), colour="red")
