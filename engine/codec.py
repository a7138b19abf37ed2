"""Values to bytes and back. The only module that knows orjson.

A live job is stored in three parts: guard fields that Lua compares and changes (`engine.store` sends them as
arguments), the document with everything Lua never needs, and the request, which never changes. When it has
ended, its request stands in its document, and that is packed (`engine.packing`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from engine.packing import packed, unpacked
from engine.ports import Alert, Notice
from states.copying import maker
from states.job import Hint, Job, ProviderTask, Request, TaskStatus, Video
from states.vocabulary import TERMINALS, Hold, NoticeKind, Stage, State

GUARDS: Final = ("st", "seq", "ep", "gv", "uid", "cost", "hold", "own", "dl")
"""Guard fields in the order in which `lib/job.lua` shows them."""
_make_job: Final = maker(Job)


@dataclass(frozen=True, slots=True)
class Stored:
    """A job as its keys hold it: guard fields as text, waiting hints as JSON, document and request.

    `request` is None where the document holds it.
    """

    id: str
    guards: Mapping[str, str]
    doc: bytes
    request: bytes | None
    hints: tuple[bytes, ...] = ()


def encode(value: Any) -> bytes:
    """Compact JSON; mappings, dataclasses, enums and frozensets of strings included."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)


decode: Final[Callable[[bytes | str], Any]] = orjson.loads
"""What `encode` wrote. No function of our own around it: replays call it for every line of a log."""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"cannot store a {type(value).__name__}")


# --- jobs ---------------------------------------------------------------------------------------


def encode_doc(job: Job) -> bytes:
    """The part of a job that only Python reads."""
    return encode(_doc_of(job))


def stored_doc(job: Job) -> bytes:
    """The same as the store keeps it: with the request and packed when the job has ended."""
    if job.state not in TERMINALS:
        return encode_doc(job)
    return packed(encode({**_doc_of(job), "request": job.request}))


def _doc_of(job: Job) -> dict[str, Any]:
    """Empty fields are left out: most jobs are plain."""
    doc: dict[str, Any] = {
        "created": job.created_ms,
        "stage": job.stage,
        "retry_at": job.retry_at_ms,
        "since": job.stage_since_ms,
        "rendered": job.rendered_ms,
        "sends": job.send_attempts,
        "counts": job.counts,
        "told": job.told,
        "tasks": job.tasks,
        "refused": job.refused,
        "video": job.video,
        "source": job.source_job,
        "reason": job.last_reason,
    }
    kept = {name: value for name, value in doc.items() if value}
    if job.status_message_id is not None:
        kept["message"] = job.status_message_id
    return kept


def encode_request(request: Request) -> bytes:
    """What the user asked for."""
    return encode(request)


def encode_hint(hint: Hint) -> bytes:
    """A signal from outside; equal hints have equal bytes."""
    return encode(hint)


def decode_job(stored: Stored) -> Job:
    """The snapshot that `stored` holds. ValueError or KeyError when its texts are damaged."""
    guards, doc = stored.guards, decode(unpacked(stored.doc))
    video = doc.get("video")
    return _make_job(
        id=stored.id,
        user_id=int(guards["uid"]),
        state=State(guards["st"]),
        graph=guards["gv"],
        request=Request(**(decode(stored.request) if stored.request else doc["request"])),
        cost=int(guards["cost"]),
        created_ms=doc.get("created", 0),
        deadline_ms=int(guards["dl"]),
        hold=Hold(guards["hold"]),
        seq=int(guards["seq"]),
        epoch=int(guards["ep"]),
        stage=Stage(doc["stage"]) if "stage" in doc else None,
        retry_at_ms=doc.get("retry_at", 0),
        stage_since_ms=doc.get("since", 0),
        rendered_ms=doc.get("rendered", 0),
        send_attempts=doc.get("sends", 0),
        counts=MappingProxyType(doc.get("counts", {})),
        told=frozenset(NoticeKind(word) for word in doc.get("told", ())),
        tasks=tuple(_task(task) for task in doc.get("tasks", ())),
        refused=tuple(doc.get("refused", ())),
        video=Video(**video) if video else None,
        source_job=doc.get("source", ""),
        status_message_id=doc.get("message"),
        last_reason=doc.get("reason", ""),
        hints=tuple(Hint(**decode(raw)) for raw in stored.hints),
    )


def _task(fields: Mapping[str, Any]) -> ProviderTask:
    return ProviderTask(**{**fields, "status": TaskStatus(fields["status"])})


# --- outbox -----------------------------------------------------------------


def encode_notice(notice: Notice) -> bytes:
    """A notice as an outbox entry's body."""
    return encode({"notice": notice})


def encode_alert(alert: Alert) -> bytes:
    """An alert as an outbox entry's body."""
    return encode({"alert": alert})


def decode_outbox(raw: bytes) -> Notice | Alert:
    """What an outbox entry's body holds."""
    body = decode(raw)
    if "alert" in body:
        return Alert(**body["alert"])
    fields = body["notice"]
    return Notice(**{**fields, "kind": NoticeKind(fields["kind"]), "data": MappingProxyType(fields["data"])})


def guards_of(line: bytes) -> dict[str, str]:
    """The guard fields of `lib/job.lua`'s answer: one line each, in the order of GUARDS."""
    return dict(zip(GUARDS, line.decode().split("\n"), strict=True))
