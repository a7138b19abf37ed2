"""The sweep: goes over a store page by page and proves every rule, while others may be using it.

Each piece (a user with all their jobs, a lane, a partition's sums) is read by one script, so a store that
moves gives no false alarm; what looks broken is read once more all the same before it is reported.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.check.history import graphs_of, history_findings
from engine.check.lanes import lane_findings
from engine.check.money import money_findings
from engine.check.places import place_findings
from engine.check.reading import StoreReader
from engine.check.stray import index_findings, key_findings
from engine.check.sums import open_questions, sum_findings
from engine.check.values import EdgeTable, Finding, KeyRead, PartRead, Report, Tally, UserRead
from engine.errors import ScriptFailed
from engine.keys import partition_of_user

FINDINGS_MAX: Final = 10_000
USERS_AT_ONCE: Final = 16
"""Users in one script call: 16 with a few jobs each take the server about a millisecond."""
QUEUES: Final = ("ob", "in", "late")
INDEXES: Final = ("t", "qz", "rdy")


@dataclass(slots=True)
class Progress:
    """How far a sweep has come. `total` keys is what the server counted at the beginning, 0 = unknown."""

    keys: int = 0
    total: int = 0
    users: int = 0
    jobs: int = 0
    entries: int = 0


Watch = Callable[[Progress], None]
Look = Callable[[int, str], Awaitable[list[Finding]]]
"""A look at one whole thing of a partition."""


async def check_store(reader: StoreReader, *, users: int | None = None, watch: Watch | None = None) -> Report:
    """Prove all rules, or for a sample of `users` those that concern users. Raises StoreUnavailable."""
    return await _Sweep(reader, users, watch or (lambda _: None)).run()


def user_findings(
    user: UserRead, edges: Callable[[str], EdgeTable | None], tally: Tally, partitions: int
) -> Iterator[Finding]:
    """Judge a user with all their jobs. `edges` answers a graph version's."""
    number = int(user.uid) if user.uid.removeprefix("-").isdecimal() else None
    if number is None or partition_of_user(number, partitions) != user.partition:
        yield Finding("K.slot", "a user's keys lie in the wrong partition", user.partition, user.uid)
    yield from money_findings(user, tally)
    yield from place_findings(user)
    for job in user.jobs:
        if job.exists and job.guards.get("uid") == user.uid:
            tally.jobs += 1
            tally.states[job.guards.get("st", "")] += 1
            yield from history_findings(user, job, edges, tally)


@dataclass(slots=True)
class _Sweep:
    reader: StoreReader
    users: int | None
    watch: Watch
    progress: Progress = field(default_factory=Progress)
    found: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: set[tuple[int, str]] = field(default_factory=set)
    """SCAN may show a key twice."""
    tallies: dict[int, Tally] = field(default_factory=dict)

    async def run(self) -> Report:
        start = time.perf_counter()
        count = self.reader.partitions
        self.tallies = {partition: Tally() for partition in range(count)}
        self.progress.total = await self.reader.size()
        before = [await self._part(partition) for partition in range(count)]
        async for page in self.reader.pages():
            for prefix, names in page.items():
                await self._page(prefix, names)
            self.watch(self.progress)
            if self._enough():
                break
        if self.users is None:
            await self._wholes(before)
        return Report(
            findings=tuple(self.found[:FINDINGS_MAX]),
            users=self.progress.users,
            jobs=self.progress.jobs,
            keys=self.progress.keys,
            entries=self.progress.entries,
            seconds=round(time.perf_counter() - start, 3),
            notes=tuple(self.notes),
            partial=self.users is not None,
            cut=len(self.found) > FINDINGS_MAX,
        )

    def _enough(self) -> bool:
        done = self.users is not None and self.progress.users >= self.users
        return done or len(self.found) > FINDINGS_MAX

    # --- a page of keys --------------------------------------------------------------------------------

    async def _page(self, prefix: str, names: list[str]) -> None:
        partition = self.reader.tags.get(prefix)
        self.progress.keys += len(names)
        forgotten = await self._keys(prefix, names)
        if partition is None:
            return
        people = [name[2:] for name in names if name.startswith("a:") and not name.startswith("a:@")]
        for start in range(0, len(people), USERS_AT_ONCE):
            await self._people(partition, people[start : start + USERS_AT_ONCE])
            if self._enough():
                return
        for uid, job in forgotten:
            await self._forgotten(partition, uid, job)
        for name in names:
            queue, _, rest = name.partition(":")
            if queue in QUEUES and rest.startswith(("e:", "o:")):
                await self._lane(partition, queue, rest[2:])

    async def _keys(self, prefix: str, names: Sequence[str]) -> list[tuple[str, str]]:
        """Judge the keys by themselves; jobs that their own user's keys do not lead to."""
        people = [name for name in names if not name.startswith("a:")]
        try:
            facts = await self.reader.keys(prefix, people)
        except ScriptFailed:  # one of them is of a wrong type: the others are judged all the same
            facts = [key for name in people for key in await self._key(prefix, name)]
        suspicious = [key.name for key in facts for _ in key_findings(key)]
        if suspicious:
            again = await self.reader.keys(prefix, sorted(set(suspicious)))
            self.found += [finding for key in again for finding in key_findings(key)]
        return [(key.word, key.name[2:]) for key in facts if key.name.startswith("j:") and key.owner == "0"]

    async def _key(self, prefix: str, name: str) -> list[KeyRead]:
        try:
            return await self.reader.keys(prefix, [name])
        except ScriptFailed:
            self._mistyped(self.reader.tags.get(prefix, -1), entry=name)
            return []

    def _mistyped(self, partition: int, *, user: str = "", entry: str = "") -> None:
        self.found.append(Finding("K.type", "a key has a wrong type", partition, user, "", entry))

    async def _people(self, partition: int, uids: Sequence[str]) -> None:
        fresh = [uid for uid in dict.fromkeys(uids) if (partition, uid) not in self.seen]
        if self.users is not None:
            fresh = fresh[: self.users - self.progress.users]
        self.seen.update((partition, uid) for uid in fresh)
        tally = self.tallies[partition]
        reads = (self.reader.user(partition, uid) for uid in fresh)
        for uid, user in zip(fresh, await asyncio.gather(*reads, return_exceptions=True), strict=True):
            if isinstance(user, ScriptFailed):
                self._mistyped(partition, user=uid)
                continue
            if isinstance(user, BaseException):
                raise user
            jobs = tally.jobs
            findings = await self._judged(user, tally)
            self.progress.users += 1
            self.progress.jobs += tally.jobs - jobs
            self.progress.entries += len(user.rows) + sum(len(job.history) for job in user.jobs)
            if findings:
                again = await self._judged(await self.reader.user(partition, user.uid), Tally())
                self.found += _in_both(findings, again)

    async def _judged(self, user: UserRead, tally: Tally) -> list[Finding]:
        digests = {digest for job in user.jobs if job.exists for digest in graphs_of(job)}
        tables = {digest: await self.reader.edges(user.partition, digest) for digest in digests}
        return list(user_findings(user, tables.get, tally, self.reader.partitions))

    async def _forgotten(self, partition: int, uid: str, job: str) -> None:
        """A job that its user's list does not name is judged with everything else of that user."""
        if (partition, f"j:{job}") in self.seen:
            return
        self.seen.add((partition, f"j:{job}"))
        try:
            user = await self.reader.user(partition, uid)
        except ScriptFailed:
            return  # told with the user
        known = any(one.id == job for one in user.jobs)
        if known and user.account:
            return
        user = await self.reader.user(partition, uid, [job])
        if not user.account:
            where = f"j:{job}"
            self.found.append(
                Finding("K.orphan", "a job without its user's account", partition, uid, job, where)
            )
        self.found += [f for f in await self._judged(user, Tally()) if f.job == job]
        self.progress.jobs += 1
        self._add_job(partition, user, job)

    def _add_job(self, partition: int, user: UserRead, job_id: str) -> None:
        for job in user.jobs:
            if job.id == job_id and job.exists:
                tally = self.tallies[partition]
                tally.jobs += 1
                tally.states[job.guards.get("st", "")] += 1

    async def _lane(self, partition: int, queue: str, lane: str) -> None:
        if (partition, f"{queue}:{lane}") in self.seen:  # it has two keys
            return
        self.seen.add((partition, f"{queue}:{lane}"))
        try:
            found = list(lane_findings(await self.reader.lane(partition, queue, lane)))
        except ScriptFailed:
            self._mistyped(partition, entry=f"{queue}:o:{lane}")
            return
        if found:
            self.found += _in_both(found, lane_findings(await self.reader.lane(partition, queue, lane)))

    # --- what concerns whole partitions ----------------------------------------------------------------

    async def _part(self, partition: int) -> PartRead | None:
        try:
            return await self.reader.part(partition)
        except ScriptFailed:
            return None

    async def _wholes(self, before: Sequence[PartRead | None]) -> None:
        for partition, was in enumerate(before):
            for name in INDEXES:
                await self._twice(self._index, partition, name)
            for name in QUEUES:
                await self._twice(self._queue, partition, name)
            now = await self._part(partition)
            if was is None or now is None:
                self._mistyped(partition, entry="ctl, c, t, qz or an account")
                continue
            self.found += sum_findings(was, now, self.tallies[partition])
            self.notes += open_questions(was, now)

    async def _twice(self, look: Look, partition: int, name: str) -> None:
        try:
            found = await look(partition, name)
            if found:
                self.found += _in_both(found, await look(partition, name))
        except ScriptFailed:
            self._mistyped(partition, entry=name)

    async def _index(self, partition: int, name: str) -> list[Finding]:
        return [
            finding
            async for member, first, second in self.reader.index(partition, name)
            for finding in index_findings(partition, name, member, first, second)
        ]

    async def _queue(self, partition: int, name: str) -> list[Finding]:
        said, counted = await self.reader.queue(partition, name)
        if counted in (-1, said):
            return []
        what = "a queue's count of entries is not how many there are"
        return [Finding("I8.count", what, partition, "", "", f"{name}:q", str(counted), str(said))]


def _in_both(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """What a second look shows too, as the second look shows it."""
    seen = {(f.rule, f.job, f.entry) for f in first}
    return [f for f in second if (f.rule, f.job, f.entry) in seen]
