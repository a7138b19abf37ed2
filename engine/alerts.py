"""The operator's desk: one incident is one alert, however many jobs it hits.

Occurrences are counted by fingerprint. An incident is told when it opens, again at growing intervals while
its count grows, and once more when it has gone quiet. A thousand users who meet the same new error text
are one alert with count 1000. Telling may repeat after a crash, counting may not.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from engine.config import AlertsConfig
from engine.errors import StoreUnavailable
from engine.ports import Alert, Clock
from engine.scripts import Caller
from states.vocabulary import AlertKind

TELL_LEASE_MS: Final = 60_000
"""How long one process may take to tell an incident before another tries."""
TICK_S: Final = 60.0
TEXT_MAX: Final = 500

_IDS = re.compile(r"https?://\S+|\b[0-9a-f]{8,}\b|\b[\w-]*\d[\w-]*\b", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


class Word(StrEnum):
    """Why the operator hears of an incident."""

    NEW = "new"
    AGAIN = "again"
    """It goes on: the count has grown since it was told last."""
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident. `jobs` are the first few jobs it hit."""

    fingerprint: str
    kind: str
    text: str
    first_ms: int
    last_ms: int
    count: int
    told_count: int
    told_ms: int
    tellings: int
    jobs: tuple[str, ...]


Tell = Callable[[Incident, Word], Awaitable[bool]]
"""Shows an incident to the operator; False when it did not get through (it is tried again)."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Counts, groups and tells. `prefix` is partition 0's; `tell` is the operator's chat."""

    calls: Caller
    prefix: str
    clock: Clock
    config: AlertsConfig
    tell: Tell

    async def raise_alert(self, alert: Alert, op: str) -> None:
        """Count an occurrence once per `op`, and tell the operator when it is time. Harmless twice."""
        row = await self.calls.call(
            self.prefix,
            "alert_note",
            fp=_grouping(alert),
            kind=alert.kind,
            text=alert.text[:TEXT_MAX],
            job=alert.job_id,
            op=op,
            count=alert.count,
            now=self.clock.now_ms(),
            samples=self.config.sample_jobs,
            open_max=self.config.open_max,
        )
        if row[1] is not None:  # else it was counted, and is over by now
            await self._tell_if_due(_incident(row))

    async def open(self, limit: int = 100) -> list[Incident]:
        """Open incidents, the one seen last first."""
        rows = await self.calls.call(self.prefix, "alert_list", limit=limit)
        return [_incident(row) for row in rows if row[1] is not None]

    async def resolve(self, fingerprint: str) -> bool:
        """The operator has mended it: tell so and forget it. False when it is not open."""
        for incident in await self.open(self.config.open_max):
            if incident.fingerprint == fingerprint:
                return await self._resolve(incident)
        return False

    async def tick(self) -> None:
        """Tell grown counts that are due, and resolve what has gone quiet."""
        quiet_since = self.clock.now_ms() - round(self.config.quiet_s * 1000)
        for incident in await self.open(self.config.open_max):
            if incident.last_ms <= quiet_since:
                await self._resolve(incident)
            else:
                await self._tell_if_due(incident)

    async def run(self) -> None:
        """Tick until cancelled. A store that is away is asked again at the next tick."""
        while True:
            await self.clock.sleep(TICK_S)
            with suppress(StoreUnavailable):
                await self.tick()

    async def _tell_if_due(self, incident: Incident) -> None:
        if self._due_ms(incident) <= self.clock.now_ms():
            word = Word.AGAIN if incident.tellings else Word.NEW
            if await self._told(incident, word):
                await self.calls.call(
                    self.prefix,
                    "alert_told",
                    fp=incident.fingerprint,
                    n=incident.count,
                    now=self.clock.now_ms(),
                )

    def _due_ms(self, incident: Incident) -> float:
        """When it should be told: at once, then at doubling intervals while the count grows."""
        if incident.kind == AlertKind.LOG or incident.count <= incident.told_count:
            return float("inf")
        if not incident.tellings:
            return 0
        doubled = self.config.repeat_s * 2.0 ** min(incident.tellings - 1, 16)
        return incident.told_ms + min(doubled, self.config.repeat_max_s) * 1000

    async def _resolve(self, incident: Incident) -> bool:
        if incident.tellings and not await self._told(incident, Word.RESOLVED):
            return False
        answer = await self.calls.call(
            self.prefix, "alert_end", fp=incident.fingerprint, last=incident.last_ms
        )
        return bool(answer == b"ok")

    async def _told(self, incident: Incident, word: Word) -> bool:
        """Tell it, unless another process is at it. A failure is tried again when the lease has lapsed."""
        answer = await self.calls.call(
            self.prefix,
            "alert_lease",
            fp=incident.fingerprint,
            tellings=incident.tellings,
            now=self.clock.now_ms(),
            lease_ms=TELL_LEASE_MS,
        )
        return answer == b"ok" and await self.tell(incident, word)


def text_fingerprint(text: str) -> str:
    """The same for texts that differ only in numbers, ids, addresses, case and spacing."""
    plain = _SPACES.sub(" ", _IDS.sub("#", text[:TEXT_MAX])).strip().casefold()
    return blake2b(plain.encode(), digest_size=6).hexdigest()


def _grouping(alert: Alert) -> str:
    """Unknown texts are grouped by what they say, everything else by its fingerprint alone."""
    if alert.kind == AlertKind.UNKNOWN:
        return f"{alert.fingerprint}:{text_fingerprint(alert.text)}"
    return alert.fingerprint


def _incident(row: list[bytes]) -> Incident:
    fingerprint, kind, text, first, last, n, told_n, told_ms, tellings, jobs = (each.decode() for each in row)
    return Incident(
        fingerprint=fingerprint,
        kind=kind,
        text=text,
        first_ms=int(first),
        last_ms=int(last),
        count=int(n),
        told_count=int(told_n),
        told_ms=int(told_ms),
        tellings=int(tellings),
        jobs=tuple(jobs.split()),
    )
