"""Bringing a video to its user, never twice: the status message is edited into the video.

A repeated edit cannot make a second message, and a lost answer is resolved by looking at the message.
Only where there is no message to edit is a new one sent, with a checkpoint before and after.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from aiogram import Bot

from adapters.telegram.client import Timeouts, call_raw
from adapters.telegram.failures import failed, is_plain_fault, judge
from adapters.telegram.ladder import Dress, Ladder, Limits, Load, Rung, Stock, to_edit, to_send
from adapters.telegram.look import Shown, dress_up, look, shown_by
from adapters.telegram.quiet import Quiet
from engine.ports import Delivered, Delivery, Failed, Randomness
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict

Note = Callable[[Mapping[str, int | str]], Awaitable[None]]
Report = Callable[[Failure], Awaitable[None]]

SEND_BEGUN = "sending"
"""`file_kind` is `sending/<job>/<kind>` while a new message is begun and its fate is not known yet.

It names the job, because a re-delivery takes the video over, and the doubt is not its own.
"""

_GATEWAYS = (502, 504)
"""A gateway that answers instead of the server does not know what the server did: a 502 that was sent again
came twice (scraton/node-red-contrib-telegrambot-home#14)."""
_GOING_DOWN = re.compile(r"\b(restart|request (aborted|closed)|closing)", re.IGNORECASE)
"""A Bot API server that closes answers all that it still holds with these words, whatever became of it."""

_NOT_DELIVERED = Verdict(
    ErrorClass.TRANSIENT, Reason.SEND_TIMEOUT, "telegram/verified_not_delivered", label=Label.TRANSIENT
)
_UNKNOWN = Verdict(
    ErrorClass.AMBIGUOUS, Reason.SEND_UNKNOWN, "telegram/send_not_verifiable", label=Label.AMBIGUOUS
)
_NO_RUNG = Verdict(
    ErrorClass.SYSTEM, Reason.VIDEO_REJECTED, "telegram/ladder_exhausted", label=Label.VIDEO_REJECTED
)


class TelegramCourier:
    """engine.ports.Courier. `report` hears of our own markup faults (the video arrived plain)."""

    def __init__(
        self,
        bot: Bot,
        stock: Stock,
        randomness: Randomness,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        report: Report | None = None,
        quiet: Quiet | None = None,
    ) -> None:
        self.bot = bot
        self.stock = stock
        self.randomness = randomness
        self.timeouts = timeouts or Timeouts()
        self.limits = limits or Limits()
        self.report = report
        self.quiet = quiet

    async def deliver(self, delivery: Delivery, note: Note) -> Delivered | Failed:
        """Deliver or say why not. Checkpoints the file id, and a new message before it is begun."""
        chat_id = delivery.job.request.chat_id
        hush = self.quiet.hush(chat_id) if self.quiet is not None else None
        if hush is not None:
            return hush
        outcome = await _Trip(self, delivery, note).run()
        if self.quiet is not None and isinstance(outcome, Failed):
            self.quiet.hear(chat_id, outcome.failure)
        return outcome


@dataclass(frozen=True, slots=True)
class _Next:
    """This rung was refused; or (`gone`) the message cannot be edited any more. Go on."""

    failure: Failure
    gone: bool = False


class _Trip:
    """One delivery. Holds what changes on the way: the chat, the message, the dress."""

    def __init__(self, courier: TelegramCourier, delivery: Delivery, note: Note) -> None:
        self.courier = courier
        self.note = note
        self.again = delivery.verify_first
        self.mark = f"{SEND_BEGUN}/{delivery.job.id}/"
        self.begun = delivery.video.file_kind.startswith(self.mark)
        self.video = replace(delivery.video, file_kind=delivery.video.file_kind.rpartition("/")[2])
        self.chat_id = delivery.job.request.chat_id
        self.message_id = delivery.job.status_message_id or None
        self.gone = False
        self.crossed = False
        words = courier.stock.dress(delivery.job, self.video)
        self.dress = Dress(words.caption_html, words.keyboard, courier.stock.link_label)
        self.ladder = Ladder(courier.stock, courier.limits, self.video)

    async def run(self) -> Delivered | Failed:
        if self.message_id and (self.again or self.begun):
            seen = await self._verify(None)
            if seen is not None:
                return seen
        if self.begun:
            lost = Failure(source="telegram", step="send", message="an earlier new message may have arrived")
            return Failed(lost, _UNKNOWN, status_message_gone=True)
        outcome = await self._climb()
        if isinstance(outcome, Delivered):
            return outcome
        if outcome.verdict.cls is not ErrorClass.AMBIGUOUS:
            await self._begin(begun=False)  # surely not arrived: the next attempt may begin another
        return replace(outcome, status_message_gone=self.gone or outcome.status_message_gone)

    async def _climb(self) -> Delivered | Failed:
        refusal: Failure | None = None
        for rung in self.ladder.rungs(again=self.again):
            if rung is Rung.DOCUMENT and refusal is not None and refusal.http_status == 413:
                continue  # the same bytes are as heavy as a document
            load = await self.ladder.load(rung)
            if isinstance(load, Failure):
                return failed(load)
            if load is None:
                continue
            shown = await self._show(load)
            if not isinstance(shown, _Next):
                return shown
            refusal = shown.failure
        nothing = Failure(source="telegram", step="send", message="the video fits no way of sending")
        return Failed(refusal or nothing, _NO_RUNG)

    async def _show(self, load: Load) -> Delivered | Failed | _Next:
        if self.message_id is not None:
            shown = await self._edit(load, self.message_id)
            if not (isinstance(shown, _Next) and shown.gone):
                return shown
        return await self._send(load)

    # --- the idempotent way ---------------------------------------------------------------------

    async def _edit(self, load: Load, message_id: int) -> Delivered | Failed | _Next:
        """Edit the status message into this rung."""
        method = to_edit(load, self.dress, self.chat_id, message_id)
        answer = await call_raw(
            self.courier.bot, method, timeout=self.courier.timeouts.heavy(), drained=load.drained
        )
        if not isinstance(answer, Failure):
            return await self._edited(load, shown_by(answer, message_id))
        verdict = judge(answer)
        if await self._undressed(answer):
            return await self._edit(load, message_id)
        if verdict.label is Label.OK_NOOP:
            return await self._noop(load, answer, message_id)
        if verdict.label in (Label.STALE, Label.CHAT_MOVED):
            self._leave(answer)
            return _Next(answer, gone=True)
        if verdict.label is Label.VIDEO_REJECTED:
            return _Next(answer)
        if answer.may_have_arrived is False:
            return Failed(answer, verdict)
        return await self._verify(answer) or Failed(answer, _undone(answer, verdict))

    async def _edited(self, load: Load, shown: Shown) -> Delivered | Failed:
        if shown.kind or load.kind == "link":
            return await self._arrived(shown)
        strange = Failure(
            source="telegram", step="send", method="editMessageMedia", message="edited, yet no media in it"
        )
        return await self._verify(strange) or Failed(strange, _NOT_DELIVERED)

    async def _noop(self, load: Load, answer: Failure, message_id: int) -> Delivered | Failed | _Next:
        """`not modified` proves that it is there; `canceled by new edit` says only that we must look."""
        same = "not modified" in answer.message.lower()
        if same and load.kind == "link":
            return await self._arrived(Shown(message_id))
        if same and load.rung is Rung.FILE_ID:
            return await self._arrived(Shown(message_id, load.kind, str(load.source)))
        seen = await self._verify(answer)
        if same and isinstance(seen, Failed):
            return await self._arrived(Shown(message_id, "video"))
        if seen is None and not (same or self.crossed):
            self.crossed = True  # a notice crossed our edit: once more, it has been told by now
            return await self._edit(load, message_id)
        return seen or Failed(answer, _NOT_DELIVERED)

    def _leave(self, failure: Failure) -> None:
        self.message_id, self.gone = None, True
        if failure.migrate_to_chat_id is not None:
            self.chat_id = failure.migrate_to_chat_id

    async def _verify(self, lost: Failure | None) -> Delivered | Failed | None:
        """Look at the message: Delivered when it shows the video, None when it surely does not.

        Failed when it cannot be told. `lost` is the failure that made us look, None before a send.
        """
        if self.message_id is None:
            return None
        courier, message_id = self.courier, self.message_id
        shown = await look(
            courier.bot, courier.timeouts, self.chat_id, message_id, courier.randomness.token()
        )
        if isinstance(shown, Failure):
            return self._blind(shown, lost)
        keyboard = self.dress.keyboard if shown.kind else None
        trouble = await dress_up(courier.bot, courier.timeouts, self.chat_id, message_id, keyboard)
        if trouble is not None and is_plain_fault(trouble):
            await dress_up(courier.bot, courier.timeouts, self.chat_id, message_id, None)
        if not shown.kind:
            return None
        return replace(await self._arrived(shown), verified=True)

    def _blind(self, look_failure: Failure, lost: Failure | None) -> Failed | None:
        verdict = judge(look_failure)
        if verdict.label in (Label.STALE, Label.CHAT_MOVED):
            self._leave(look_failure)
            return Failed(lost, _NOT_DELIVERED, status_message_gone=True) if lost else None
        if verdict.cls in (ErrorClass.PARKED, ErrorClass.OPERATOR):
            return Failed(look_failure, verdict)
        if lost is None and look_failure.may_have_arrived is False:
            return Failed(look_failure, verdict)  # nothing was sent now; the next attempt looks again
        retry_after = look_failure.retry_after_s
        return Failed(lost or look_failure, replace(_UNKNOWN, retry_after_s=retry_after))

    # --- a new message, where none can be edited --------------------------------------------------

    async def _send(self, load: Load) -> Delivered | Failed | _Next:
        await self._begin(begun=True)
        method = to_send(load, self.dress, self.chat_id)
        answer = await call_raw(
            self.courier.bot, method, timeout=self.courier.timeouts.heavy(), drained=load.drained
        )
        if not isinstance(answer, Failure):
            return await self._arrived(shown_by(answer, self.message_id or 0))
        verdict = judge(answer)
        if await self._undressed(answer):
            return await self._send(load)
        if verdict.label is Label.CHAT_MOVED and answer.migrate_to_chat_id not in (None, self.chat_id):
            self._leave(answer)
            return await self._send(load)
        if verdict.label is Label.VIDEO_REJECTED:
            return _Next(answer)
        if answer.may_have_arrived is False:
            return Failed(answer, verdict)
        unsure = answer.http_status in _GATEWAYS or _GOING_DOWN.search(answer.message)
        if verdict.label is Label.TRANSIENT and not unsure:
            return Failed(answer, verdict)
        return Failed(answer, verdict if verdict.cls is ErrorClass.AMBIGUOUS else _UNKNOWN)

    async def _begin(self, *, begun: bool) -> None:
        """Checkpoint that a new message is on its way, or that it surely is not."""
        if begun != self.begun:
            self.begun = begun
            kind = f"{self.mark}{self.video.file_kind}" if begun else self.video.file_kind
            await self.note({"file_id": self.video.file_id, "file_kind": kind})

    # --- both ways ----------------------------------------------------------------------------------

    async def _arrived(self, shown: Shown) -> Delivered:
        facts: dict[str, int | str] = {"status_message_id": shown.message_id}
        if shown.file_id or self.begun:
            facts |= {"file_id": shown.file_id or self.video.file_id, "file_kind": shown.kind or "link"}
        await self.note(facts)
        return Delivered(shown.message_id, shown.file_id, shown.kind or "link")

    async def _undressed(self, failure: Failure) -> bool:
        """When our own markup was refused: take it off, tell the operator, and say True (try again)."""
        if not (self.dress.html and is_plain_fault(failure)):
            return False
        self.dress = self.dress.plain()
        if self.courier.report is not None:
            await self.courier.report(failure)
        return True


def _undone(failure: Failure, verdict: Verdict) -> Verdict:
    """A look showed that a lost edit was not done: retry it, by the reason that is known."""
    if verdict.cls is ErrorClass.TRANSIENT:
        return verdict
    late = "timeout" in failure.exception.lower() or failure.http_status is not None
    return _NOT_DELIVERED if late else replace(_NOT_DELIVERED, reason=Reason.NETWORK)
