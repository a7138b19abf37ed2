"""Notices with what is only known when they are told: the new balance, the price, the model's public name.

A transition records bare facts; a balance recorded with it could be old by the time Telegram takes the
message. So this stands between the relay and the notifier and looks them up at the last moment.
"""

from dataclasses import dataclass, replace
from typing import Final

from bot.ports import Engine, Offers
from engine.errors import StoreUnavailable
from engine.ports import Failed, Notice, Notifier, Told
from states.job import Job
from states.vocabulary import NoticeKind, State

_BARE: Final = frozenset({NoticeKind.BELL, NoticeKind.LATE_VIDEO})
"""Told without numbers."""


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
        return await self.notifier.tell(replace(notice, data={**await self._facts(notice), **notice.data}))

    async def _facts(self, notice: Notice) -> dict[str, str | int]:
        try:
            balance = (await self.engine.account(notice.user_id)).balance
            job = await self.engine.job(notice.job_id)
            return {"balance": balance, **(await self._of_job(job) if job else {})}
        except StoreUnavailable:
            return {}

    async def _of_job(self, job: Job) -> dict[str, str | int]:
        place = await self.engine.place_in_line(job.id) if job.state is State.QUEUED else 0
        return {"cost": job.cost, "model": self.offers.title(job.request.model), "place": place}
