"""The world outside of a job: a provider that bills and a chat that shows. They outlive our processes."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from engine.clock import ManualClock
from engine.ports import (
    Accepted,
    CreatePlan,
    Delivered,
    Delivery,
    Failed,
    Notice,
    Rendered,
    Rendering,
    Told,
)
from states.job import Hint, Job, ProviderTask
from states.vocabulary import NoticeKind, Reason, Stage
from tests.engine.fakes import TAKEN_AWAY, VIDEO, failed
from tests.faults.points import Points

T = TypeVar("T")
P = ParamSpec("P")
RENDER_MS = 90_000
COST = 3.0
Intent = Callable[[], Awaitable[bool]]
Note = Callable[[Mapping[str, int | str]], Awaitable[None]]


@dataclass
class Provider:
    """Tasks that were bought. `refusals` answer the next creates; `calls_back`: it tells when one is made."""

    clock: ManualClock
    calls_back: bool = True
    refusals: list[Reason] = field(default_factory=list)
    creates: int = 0
    bought: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Task id -> (job, number, when it is ready)."""
    told: set[str] = field(default_factory=set)

    def take(self, job: Job, n: int) -> Accepted | Failed:
        """The create call arrives."""
        self.creates += 1
        if self.refusals:
            return failed(self.refusals.pop(0))
        task_id = f"task-{self.creates}"
        self.bought[task_id] = (job.id, n, self.clock.now_ms() + RENDER_MS)
        return Accepted(task_id)

    def look(self, task: ProviderTask) -> Rendering | Rendered:
        """One look at a task."""
        assert task.task_id is not None, "a task without an id cannot be asked about"
        ready_ms = self.bought[task.task_id][2]
        return Rendered(VIDEO, COST) if ready_ms <= self.clock.now_ms() else Rendering(20.0)

    async def report(self, hint: Callable[[str, Hint], Awaitable[object]]) -> None:
        """The callbacks that are due."""
        for task_id, (job, n, ready_ms) in self.bought.items():
            if self.calls_back and ready_ms <= self.clock.now_ms() and task_id not in self.told:
                self.told.add(task_id)
                await hint(job, Hint("callback", n, task_id))


@dataclass
class Chat:
    """What the user sees. `troubles` answer the next sends; the word says whether the video arrived."""

    troubles: list[tuple[Reason, bool]] = field(default_factory=list)
    films: set[int] = field(default_factory=set)
    """Messages that show the video."""
    sent: int = 0
    notices: Counter[str] = field(default_factory=Counter)
    """How often each notice was shown, by its id."""
    rings: int = 0

    def edit(self, message_id: int) -> Failed | None:
        """The status message becomes the video; once more is the same message."""
        self.sent += 1
        reason, arrives = self.troubles.pop(0) if self.troubles else (None, True)
        if arrives:
            self.films.add(message_id)
        return None if reason is None else failed(reason, Stage.SENDING)

    def tell(self, notice: Notice) -> None:
        """A notice is shown; a bell is a message of its own."""
        self.notices[notice.id] += 1
        self.rings += notice.kind is NoticeKind.BELL


@dataclass
class Maker:
    """One process's line to the provider."""

    provider: Provider
    points: Points

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """There is one model and one key."""
        del job
        return CreatePlan("m1", "main")

    async def create(self, job: Job, task: ProviderTask, intent: Intent) -> Accepted | Failed:
        """Upload, intent, create."""
        await self.points.around("provider upload", _nothing)
        if not await intent():
            return TAKEN_AWAY
        return await self.points.around("provider create", lambda: _soon(self.provider.take, job, task.n))

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Look once."""
        del job
        return await self.points.around("provider poll", lambda: _soon(self.provider.look, task))

    def first_poll_s(self, model: str) -> float:
        """When to look first, s."""
        del model
        return 60.0


@dataclass
class Post:
    """One process's line to the chat: courier and notifier."""

    chat: Chat
    points: Points

    async def deliver(self, delivery: Delivery, note: Note) -> Delivered | Failed:
        """Look when an earlier attempt may have arrived, else edit."""
        message_id = delivery.job.status_message_id
        assert message_id is not None
        if delivery.verify_first:
            seen = await self.points.around("chat look", lambda: _soon(self.chat.films.copy))
            if message_id in seen:
                return Delivered(message_id, "file-9", "video", verified=True)
        answer = await self.points.around("chat edit", lambda: _soon(self.chat.edit, message_id))
        if answer is not None:
            return answer
        await note({"file_id": "file-9", "file_kind": "video"})
        return Delivered(message_id, "file-9", "video")

    async def tell(self, notice: Notice) -> Told | Failed:
        """Show a notice."""
        await self.points.around("chat tell", lambda: _soon(self.chat.tell, notice))
        return Told()


async def _nothing() -> None:
    return None


async def _soon(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    return work(*given, **named)
