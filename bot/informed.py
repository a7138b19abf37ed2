"""Notices with what is only known when they are told: balance, price, the model's name, where to show it.

A transition records bare facts; a balance recorded with it could be old by the time Telegram takes the
message. So this stands between the relay and the notifier and looks them up at the last moment. Who deletes
the status message gets a new one, and from then on everything happens there.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.ports import Engine, Offers
from engine.errors import StoreUnavailable
from engine.ports import Courier, Delivered, Delivery, Failed, Notice, Notifier, Told
from states.facts import cancellable
from states.job import Job
from states.vocabulary import NoticeKind, State

_BARE: Final = frozenset({NoticeKind.BELL, NoticeKind.LATE_VIDEO})
"""Told without numbers, in a message of their own."""
_TTL_S: Final = 8 * 24 * 3600
"""As long as a job can be heard of."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Which message is the status message of a job, once its first one was deleted. Of two the newer."""

    engine: Engine

    async def note(self, user_id: int, job_id: str, message_id: int) -> None:
        """A new message was begun for this job."""
        await self.engine.remember(user_id, _key(job_id), str(message_id).encode(), _TTL_S)

    async def newest(self, user_id: int, job_id: str, known: int | None) -> int | None:
        """The message to edit; what is known when nothing newer is (or nothing can be read now)."""
        try:
            kept = await self.engine.recall(user_id, _key(job_id))
        except StoreUnavailable:
            return known
        return max(known or 0, int(kept)) if kept else known


def _key(job_id: str) -> str:
    return f"status:{job_id}"


@dataclass(frozen=True, slots=True)
class Informed:
    """engine.ports.Notifier: completes a notice, then hands it on."""

    notifier: Notifier
    engine: Engine
    offers: Offers

    async def tell(self, notice: Notice) -> Told | Failed:
        """Show it now, or say why not. Facts that cannot be read just now are left out, never guessed."""
        if notice.kind in _BARE:
            return await self.notifier.tell(notice)
        place = Whereabouts(self.engine)
        shown_in = await place.newest(notice.user_id, notice.job_id, notice.status_message_id)
        whole = {**await self._facts(notice), **notice.data}
        told = await self.notifier.tell(replace(notice, status_message_id=shown_in, data=whole))
        if isinstance(told, Told) and told.message_id is not None:
            await place.note(notice.user_id, notice.job_id, told.message_id)
        return told

    async def _facts(self, notice: Notice) -> dict[str, str | int | bool]:
        try:
            balance = (await self.engine.account(notice.user_id)).balance
            job = await self.engine.job(notice.job_id)
            return {"balance": balance, **(await self._of_job(job) if job else {})}
        except StoreUnavailable:
            return {}

    async def _of_job(self, job: Job) -> dict[str, str | int | bool]:
        place = await self.engine.place_in_line(job.id) if job.state is State.QUEUED else 0
        return {
            "cost": job.cost,
            "model": self.offers.title(job.request.model),
            "place": place,
            "cancel": cancellable(job),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """engine.ports.Courier: looks for the status message where it is now, then hands the delivery on."""

    courier: Courier
    engine: Engine

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        """As the courier within."""
        job = delivery.job
        shown_in = await Whereabouts(self.engine).newest(job.user_id, job.id, job.status_message_id)
        return await self.courier.deliver(
            replace(delivery, job=replace(job, status_message_id=shown_in)), note
        )
