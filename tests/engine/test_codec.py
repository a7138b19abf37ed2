from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec import (
    Stored,
    decode_job,
    decode_outbox,
    encode,
    encode_alert,
    encode_doc,
    encode_hint,
    encode_notice,
    encode_request,
    stored_doc,
)
from engine.ports import Alert, Notice
from states.job import Hint, Job, ProviderTask, Request, TaskStatus, Video
from states.vocabulary import TERMINALS, Hold, NoticeKind, Stage, State

words = st.text(max_size=20)
ms = st.integers(min_value=0, max_value=2**52)
small = st.integers(min_value=0, max_value=10_000)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
tasks = st.builds(
    ProviderTask,
    n=small,
    model=words,
    key=words,
    status=st.sampled_from(TaskStatus),
    created_ms=ms,
    task_id=st.none() | words,
    cost=st.none() | st.floats(0, 1e6),
)
videos = st.builds(
    Video, url=words, task_n=small, sha256=words, size=small, width=small, height=small,
    duration_s=st.floats(0, 1000), file_id=words, file_kind=words,
)  # fmt: skip
requests = st.builds(
    Request, chat_id=st.integers(-(2**52), 2**52), photo=words, template=words, prompt=words, model=words,
    lang=words, aspect=words, duration_s=small,
)  # fmt: skip
hints = st.builds(Hint, kind=words, task_n=small, task_id=words)
JOB_FIELDS: dict[str, st.SearchStrategy[Any]] = dict(  # noqa: C408 - keywords read as the fields they are
    id=st.just("0-job"),
    user_id=ms,
    state=st.sampled_from(State),
    graph=st.text("abc09", min_size=1),
    request=requests,
    cost=small,
    created_ms=ms,
    deadline_ms=ms,
    hold=st.sampled_from(Hold),
    seq=small,
    epoch=small,
    stage=st.none() | st.sampled_from(Stage),
    retry_at_ms=ms,
    stage_since_ms=ms,
    rendered_ms=ms,
    send_attempts=small,
    counts=st.dictionaries(words, small, max_size=4).map(MappingProxyType),
    told=st.frozensets(st.sampled_from(NoticeKind), max_size=3),
    tasks=st.lists(tasks, max_size=3).map(tuple),
    refused=st.lists(words, max_size=3).map(tuple),
    video=st.none() | videos,
    source_job=words,
    status_message_id=st.none() | small,
    last_reason=words,
    hints=st.lists(hints, max_size=3).map(tuple),
)


def _stored(job: Job) -> Stored:
    words = {"st": job.state, "gv": job.graph, "hold": job.hold, "own": "", "op": ""}
    numbers = {"seq": job.seq, "ep": job.epoch, "uid": job.user_id, "cost": job.cost, "dl": job.deadline_ms}
    guards = {name: str(value) for name, value in {**words, **numbers}.items()}
    hinted = tuple(encode_hint(hint) for hint in job.hints)
    return Stored(job.id, guards, encode_doc(job), encode_request(job.request), hinted)


jobs = st.builds(Job, **JOB_FIELDS)


def test_every_field_of_a_job_is_drawn() -> None:
    assert set(JOB_FIELDS) == {field.name for field in fields(Job)}


@given(jobs)
def test_a_job_comes_back_as_it_went(job: Job) -> None:
    assert decode_job(_stored(job)) == job
    kept = replace(_stored(job), doc=stored_doc(job), request=None)
    if job.state in TERMINALS:
        assert decode_job(kept) == job
        assert len(kept.doc) <= len(encode_doc(job)) + len(encode_request(job.request)) + len(',"request":')
    else:
        assert kept.doc == encode_doc(job)


@given(words, st.sampled_from(NoticeKind), st.dictionaries(words, scalars, max_size=4), st.none() | small)
def test_a_notice_comes_back_as_it_went(
    word: str, kind: NoticeKind, data: dict[str, str | int | float | bool | None], message: int | None
) -> None:
    notice = Notice(word, kind, "0-job", 7, 7, "ru", message, data, word)
    assert decode_outbox(encode_notice(notice)) == notice


def test_an_alert_comes_back_as_it_went() -> None:
    alert = Alert("unknown:x", "unknown", "«странно»", "0-job", 3)
    assert decode_outbox(encode_alert(alert)) == alert


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError):
        encode(object())
