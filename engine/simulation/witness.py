"""Reads every answer of the store and keeps its own small books of who may write what.

It knows each job's newest lease from the answers of claims alone. A write that the store took from anybody
else is a broken fence, found in the very step in which it happens and not by what it may lead to.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.rows import Record, record_of
from engine.simulation.host import Host
from engine.simulation.wire import Word

_IDLE: Final = frozenset({"opens", "beat", "idle", "paused", "alert_list"})
Complain = Callable[[str, str], None]
"""(invariant, what is wrong): the world notes it and stops."""


@dataclass(slots=True)
class _Known:
    """A job as the traffic shows it."""

    epoch: int = 0
    seq: int = 0
    state: str = "queued"
    graph: str = ""
    ended_ms: int = 0
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Witness:
    """Counts what the store did, and complains at once when it did what it must not.

    `order` gives every script's argument names, as the library binds them.
    """

    order: dict[str, tuple[str, ...]]
    complain: Complain
    now_ms: Callable[[], int]
    steps: int = 0
    idle: int = 0
    jobs: dict[str, _Known] = field(default_factory=dict)
    verbs: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    """Strategy rows that decided, as stage/reason."""
    graphs: Counter[str] = field(default_factory=Counter)
    """Graph versions that decided."""

    def hear(self, who: Host, verb: str, args: Sequence[Word], answer: Any) -> None:
        """One executed call; a batch is several."""
        if verb != "batch":
            self._one(who, verb, args, answer)
            return
        for (name, its), one in zip(_unpacked(args), answer, strict=True):
            self._one(who, name, its, one)

    def _one(self, who: Host, verb: str, args: Sequence[Word], answer: Any) -> None:
        looked = verb in _IDLE or (verb == "claim" and answer[0] == b"idle")
        if looked or (verb == "queue_take" and len(answer) <= 1):
            self.idle += 1
        else:
            self.steps += 1
        self.verbs[verb] += 1
        if verb == "claim" and answer[0] == b"job":
            for shown in answer[3::2]:
                self._claimed(who, shown)
        elif verb in ("commit", "note", "park", "migrate") and answer == b"ok":
            self._written(who, verb, dict(zip(self.order[verb], args, strict=False)))
        elif verb == "quarantine" and answer == b"ok":
            known = self.jobs.setdefault(str(args[self.order[verb].index("job")]), _Known())
            known.epoch += 1  # whoever held it is fenced
            known.lines.append(f"{self.now_ms()} {who.name} sets it aside")
        elif verb == "submit" and answer[0] == b"created":
            job = str(args[0])
            if job not in self.jobs:
                graph = str(args[self.order[verb].index("graph")])
                self.jobs[job] = _Known(graph=graph, lines=[f"{self.now_ms()} submit"])

    def _claimed(self, who: Host, shown: Sequence[Any]) -> None:
        job, guards = shown[0].decode(), shown[1].decode().split("\n")
        epoch, known = int(guards[2]), self.jobs.setdefault(shown[0].decode(), _Known())
        if epoch < known.epoch:
            self.complain("epochs", f"{job}: claimed under epoch {epoch} after epoch {known.epoch}")
        if guards[0] in ("done", "refunded", "failed"):
            self.complain("terminals", f"{job}: claimed though it has ended ({guards[0]})")
        known.epoch = epoch
        known.lines.append(f"{self.now_ms()} claim {who.name} epoch {epoch} {guards[0]}")

    def _written(self, who: Host, verb: str, args: dict[str, Word]) -> None:
        job, epoch, seq = str(args["job"]), int(args["epoch"]), int(args["seq"])
        known, edge = self.jobs.setdefault(job, _Known()), str(args.get("edge", ""))
        if epoch != known.epoch:
            why = f"{verb} of {who.name} under epoch {epoch} was taken, the lease is of epoch {known.epoch}"
            self.complain("fence", f"{job}: {why}")
        if seq != known.seq:
            self.complain("order", f"{job}: {verb} on seq {seq} was taken, it stood at {known.seq}")
        if verb == "migrate":
            known.seq, known.graph = seq + 1, str(args["target"])
            known.lines.append(f"{self.now_ms()} {who.name} to graph {args['target']!s}")
        if verb == "commit":
            known.seq = seq + 1
            if known.state in ("done", "refunded", "failed"):
                self.complain("terminals", f"{job}: left {known.state} by {edge}")
            raw = args["record"]
            row = record_of(raw, job, known.seq, known.graph) if isinstance(raw, bytes) else {}
            self._exercised(edge, str(args["source"]), row)
            known.state = str(args["target"])
            if known.state in ("done", "refunded", "failed"):
                known.ended_ms = self.now_ms()
            if args["unclaim"] == "1":
                known.epoch = epoch + 1
            known.lines.append(f"{self.now_ms()} {who.name} {edge} -> {known.state}")
            self._money_right(job, edge, args, row)

    def _exercised(self, edge: str, source: str, row: Record) -> None:
        self.edges[edge] += 1
        self.graphs[row.get("graph", "")] += 1
        reason = row.get("in", {}).get("reason")
        if reason:
            self.rows[f"{'sending' if source == 'sending' else 'generating'}/{reason}"] += 1

    def _money_right(self, job: str, edge: str, args: dict[str, Word], row: Record) -> None:
        """Credits move on the way into an end, and only there."""
        money, target = str(args["money"]), str(args["target"])
        held = bool(row.get("in", {}).get("held"))
        wanted = {"done": "capture", "refunded": "release"}.get(target, "") if held else ""
        if money != wanted:
            self.complain("money", f"{job}: {edge} moved {money or 'nothing'}, not {wanted or 'nothing'}")


def _unpacked(args: Sequence[Word]) -> Iterator[tuple[str, Sequence[Word]]]:
    at = 0
    while at < len(args):
        count = int(args[at + 1])
        yield str(args[at]), args[at + 2 : at + 2 + count]
        at += 2 + count
