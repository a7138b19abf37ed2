"""Which calls of the sandbox's servers go wrong, and how. Shared by both servers, and by the browser's panel.

A fault is data: it survives a round trip through JSON, so a panel, a scenario or a test can post it.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

ANY = "*"
"""As a method: every method of the server."""


class Server(StrEnum):
    """Which of the two servers a fault belongs to."""

    KIE = "kie"
    """Methods: upload, createTask, recordInfo, credit, models, download, downloadUrl, callback, render."""
    TELEGRAM = "telegram"
    """Methods: the Bot API's own names (editMessageMedia ...), and `file` for file downloads."""


class Cut(StrEnum):
    """Where a connection is cut. `act` says apart from it whether the call is carried out."""

    NONE = ""
    BEFORE = "before"
    """Before the request's body is read."""
    AFTER = "after"
    """After the whole request was read (and carried out, when `act`), without an answer."""
    MID = "mid"
    """After half of the answer's body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer said instead of the true one. A dict body is sent as JSON, a str as HTML or text."""

    status: int = 200
    body: Mapping[str, Any] | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Exactly what happens, in order: wait, act, wait, answer.

    `match` must agree with the call's context (`chat_id`, `model`, `task_id` ...), compared as texts.
    Delays are real seconds, because HTTP time-outs are. `corrupt` replaces the body of the answer.
    For kie/render the answer's body says how a task ends: see `kie_tasks.Fate`.
    """

    server: Server
    method: str
    times: int | None = 1
    """How many calls are hit; None: always."""
    after: int = 0
    """How many matching calls pass unharmed first."""
    match: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    delay_s: float = 0.0
    """How long the call hangs before it is carried out (or before the answer, when `late`)."""
    late: bool = True
    """The delay lies between the act and the answer: the client's time-out comes too late to stop it."""
    act: bool = False
    """Whether the server really does what was asked, although it says otherwise (or nothing)."""
    close: Cut = Cut.NONE
    corrupt: bytes | None = None
    id: str = ""
    """Given by the plan when empty."""

    @property
    def acts(self) -> bool:
        """Whether the call is carried out: asked for, or nothing replaces its true answer."""
        return self.act or (self.answer is None and self.close in {Cut.NONE, Cut.MID})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `corrupt` as base64."""
        made = {f.name: getattr(self, f.name) for f in fields(self)}
        made["match"] = dict(self.match)
        made["answer"] = None if self.answer is None else _answer_json(self.answer)
        made["corrupt"] = None if self.corrupt is None else base64.b64encode(self.corrupt).decode()
        return made

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The fault that `to_json` wrote. Left-out fields get their defaults.

        Raises `ValueError` with one sentence for an unknown field or a value that does not fit.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(raw) - known):
            raise ValueError(f"a fault has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        try:
            return cls(**{**raw, **_typed(raw)})
        except (KeyError, TypeError, ValueError) as trouble:
            raise ValueError(f"not a fault: {trouble}") from trouble


def _answer_json(answer: Answer) -> dict[str, Any]:
    body = answer.body if isinstance(answer.body, str) else dict(answer.body)
    return {"status": answer.status, "body": body, "headers": dict(answer.headers)}


def _typed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose JSON form is not their Python form."""
    made: dict[str, Any] = {"server": Server(raw["server"]), "method": str(raw["method"])}
    if "close" in raw:
        made["close"] = Cut(raw["close"])
    if raw.get("answer") is not None:
        made["answer"] = Answer(**raw["answer"])
    if raw.get("corrupt") is not None:
        made["corrupt"] = base64.b64decode(raw["corrupt"], validate=True)
    return made


@dataclass(slots=True)
class _Count:
    fault: Fault
    seen: int = 0
    used: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.used >= self.fault.times


class FaultPlan:
    """The faults now in force, oldest first: the first that fits a call takes it. For one event loop."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._counts: list[_Count] = []
        self._next = 1
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; returns it with its id. An equal id replaces the fault and its counts."""
        if not fault.id:
            fault = _with_id(fault, f"f{self._next}")
            self._next += 1
        self.remove(fault.id)
        self._counts.append(_Count(fault))
        return fault

    def extend(self, faults: Iterable[Fault]) -> None:
        """Put several faults in force."""
        for fault in faults:
            self.add(fault)

    def remove(self, fault_id: str) -> bool:
        """Lift one fault; False when there is none of this id."""
        kept = [count for count in self._counts if count.fault.id != fault_id]
        removed = len(kept) != len(self._counts)
        self._counts = kept
        return removed

    def clear(self, server: Server | None = None) -> None:
        """Lift all faults (of one server)."""
        self._counts = [c for c in self._counts if server is not None and c.fault.server != server]

    def listing(self) -> tuple[Fault, ...]:
        """The faults in force that may still hit a call."""
        return tuple(count.fault for count in self._counts if not count.spent)

    def take(self, server: Server, method: str, context: Mapping[str, object] | None = None) -> Fault | None:
        """The fault that hits this call, if any; counts the call."""
        for count in self._counts:
            if count.spent or not _fits(count.fault, server, method, context or {}):
                continue
            count.seen += 1
            if count.seen > count.fault.after:
                count.used += 1
                return count.fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        """Every fault with its counts, for a page: `seen` calls looked at, `used` calls hit."""
        return [{**c.fault.to_json(), "seen": c.seen, "used": c.used} for c in self._counts]

    @classmethod
    def from_json(cls, raw: Iterable[Mapping[str, Any]]) -> Self:
        """A fresh plan of the faults that `to_json` wrote; counts start again."""
        bare = ({k: v for k, v in item.items() if k not in {"seen", "used"}} for item in raw)
        return cls(Fault.from_json(item) for item in bare)


def _fits(fault: Fault, server: Server, method: str, context: Mapping[str, object]) -> bool:
    return (
        fault.server == server
        and fault.method in {ANY, method}
        and all(str(context.get(name, "")) == wanted for name, wanted in fault.match.items())
    )


def _with_id(fault: Fault, fault_id: str) -> Fault:
    return Fault(**{**{f.name: getattr(fault, f.name) for f in fields(fault)}, "id": fault_id})
