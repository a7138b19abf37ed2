"""An outside world that answers at once, in process: what is left to measure is the engine."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b, sha256
from typing import Final

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
from states.job import Job, ProviderTask, Request, Video
from states.strategy import STRATEGY
from states.vocabulary import Failure, Reason, Stage, Verdict

MODEL: Final = "kling-3.0/video"
KEY: Final = "main"
PAYLOAD_BYTES: Final = 581
"""A job's request as JSON. The peers' messages are as long."""
_TAKEN: Final = Failed(
    Failure("engine", "create"),
    Verdict(STRATEGY.row(Stage.GENERATING, Reason.WORKER_LOST).cls, Reason.WORKER_LOST, "bench.taken_away"),
)


PROMPT: Final = (
    "Slow turn of the bottle on wet stone, soft light from the left. A hand enters, lifts the cap and "
    "leaves; vapour curls up along the glass. Behind it a window with rain, out of focus, a passing car"
    " paints one red streak. Keep every letter of the label sharp. Finish on the drop that runs down "
    "its neck, then hold still for half a second; no music, only rain, a far tram."
)


@cache
def _noise(what: object, chars: int) -> str:
    """Letters as ids are made of them: nothing in them repeats, so nothing can be packed away."""
    drawn = blake2b(str(what).encode(), digest_size=64).digest()
    return urlsafe_b64encode(drawn).decode()[:chars]


def request_of(user_id: int) -> Request:
    """A launch of `PAYLOAD_BYTES` bytes."""
    return Request(
        chat_id=user_id,
        photo="AgACAgIAAxkBAAIB" + _noise(user_id, 67),
        template="own",
        prompt=PROMPT,
        model=MODEL,
    )


@dataclass(slots=True)
class InstantMaker:
    """A provider that accepts and renders at once. `first_s`: clock seconds until its first look."""

    first_s: float = 0.0

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """One model, one key."""
        del job
        return CreatePlan(MODEL, KEY)

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """Make the intent durable, then accept."""
        if not await intent():
            return _TAKEN
        return Accepted(f"{job.id[-16:]}{task.n:016x}")

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """The video is there."""
        del job
        url = f"https://tempfile.example.test/{task.task_id}/result.mp4"
        digest = sha256(url.encode()).hexdigest()
        return Rendered(Video(url, task.n, digest, 2_400_000, 720, 1280, 10.0), 70.0)

    def first_poll_s(self, model: str) -> float:
        """When to look first."""
        del model
        return self.first_s


@dataclass(frozen=True, slots=True)
class InstantCourier:
    """A chat that shows the video at once."""

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        """Delivered, by editing the status message."""
        del note
        file_id = f"BAACAgIAAxkDAAIC{delivery.video.sha256[:56]}"
        return Delivered(delivery.job.status_message_id or 1, file_id, "video")


@dataclass(slots=True)
class InstantNotifier:
    """A chat that shows every notice at once, and counts them."""

    told: int = 0

    async def tell(self, notice: Notice) -> Told | Failed:
        """Shown."""
        del notice
        self.told += 1
        return Told()
