"""The buttons of a proposal. Each belongs to one version of one draft; an old one only says so."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from bot.desk import Guest
from bot.drafts import TEMPLATES, Draft, Phase
from bot.ports import Offer
from bot.routers.photos import next_photo
from bot.routers.proposals import ask_wishes, propose
from bot.routers.status import show_status
from bot.talk import Toast, show
from bot.taps import Tap, Verb, short
from engine.values import NewJob, Submission, Submitted
from states.job import Request


async def draft_tap(tap: Tap, guest: Guest, toast: Toast, message_id: int | None) -> None:
    """Serve a button of a draft, once owner, token and version fit. Drafts are looked up by their user."""
    draft = await guest.desk.drafts.load(guest.user_id)
    if draft is None or draft.token != tap.ref:
        await toast.show(guest.say("toast-outdated"), alert=True)
    elif not draft.open:
        await toast.show(guest.say("toast-exists"))
    elif draft.version != tap.version:
        await toast.show(guest.say("toast-outdated"), alert=True)
    else:
        await _ACTS[tap.verb](tap, draft.shown(message_id) if message_id else draft, guest, toast)


async def _template(tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    if tap.arg not in TEMPLATES:
        await toast.show(guest.say("toast-outdated"), alert=True)
        return
    await toast.show()
    await propose(guest, draft.changed(template=tap.arg), message_id=draft.message_id)


async def _model(tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    offer = next((o for o in guest.desk.offers.offers() if short(o.id) == tap.arg), None)
    if offer is None:
        await toast.show(guest.say("toast-retired"), alert=True)
        await propose(guest, draft.changed(), message_id=draft.message_id)
        return
    await toast.show()
    await propose(guest, draft.changed(model=offer.id), message_id=draft.message_id)


async def _wishes(_tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    await toast.show()
    await ask_wishes(guest, draft, draft.message_id)


async def _back(_tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    await toast.show()
    await propose(guest, draft.changed(phase=Phase.CHOICE), message_id=draft.message_id)


async def _next_photo(_tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    other = await next_photo(guest, draft)
    if other is None:
        await toast.show(guest.say("toast-no-album"), alert=True)
        return
    await toast.show(guest.say("toast-updated"))
    await propose(guest, other, message_id=draft.message_id)


async def _drop(_tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    await toast.show()
    await guest.desk.drafts.drop(guest.user_id)
    await show(guest.desk.bot, guest.chat_id, draft.message_id, guest.say("draft-dropped"))


async def _launch(_tap: Tap, draft: Draft, guest: Guest, toast: Toast) -> None:
    """One job however often it is tapped: the draft's token is the job's idempotency key."""
    offer = guest.desk.chosen(draft.model)
    if offer is None or offer.id != draft.model or offer.price != draft.price:
        # what was shown is not what would be bought: show it again, charge nothing
        await toast.show(guest.say("toast-retired"), alert=True)
        await propose(guest, draft.changed(), message_id=draft.message_id)
        return
    submitted = await guest.desk.engine.submit(_new_job(draft, offer, guest))
    await _launched(submitted, draft, guest, toast)


def _new_job(draft: Draft, offer: Offer, guest: Guest) -> NewJob:
    request = Request(
        chat_id=guest.chat_id,
        photo=draft.photo,
        template=draft.template,
        prompt=draft.wishes,
        model=offer.id,
        lang=guest.lang,
        duration_s=offer.duration_s,
    )
    return NewJob(
        idem=draft.token,
        user_id=guest.user_id,
        cost=offer.price,
        request=request,
        status_message_id=draft.message_id,
    )


async def _launched(submitted: Submitted, draft: Draft, guest: Guest, toast: Toast) -> None:
    job = submitted.job
    if job is not None and submitted.result in (Submission.CREATED, Submission.EXISTS):
        created = submitted.result is Submission.CREATED
        await toast.show(guest.say("toast-launched" if created else "toast-exists"))
        await guest.desk.drafts.save(guest.user_id, draft.launched(job.id))
        await show_status(guest, job, draft.message_id)
        return
    match submitted.result:
        case Submission.PAUSED:
            await toast.show(guest.say("toast-paused"), alert=True)
            await propose(guest, draft, message_id=draft.message_id, lead=guest.say("launch-paused"))
        case Submission.BUSY:
            await toast.show(guest.say("toast-busy"), alert=True)
            await propose(guest, draft, message_id=draft.message_id, lead=guest.say("launch-busy"))
        case _:
            await toast.show(guest.say("toast-missing"), alert=True)
            await propose(guest, draft, message_id=draft.message_id)


Act = Callable[[Tap, Draft, Guest, Toast], Awaitable[None]]
_ACTS: Final[Mapping[Verb, Act]] = MappingProxyType(
    {
        Verb.LAUNCH: _launch,
        Verb.TEMPLATE: _template,
        Verb.MODEL: _model,
        Verb.WISHES: _wishes,
        Verb.BACK: _back,
        Verb.NEXT_PHOTO: _next_photo,
        Verb.DROP: _drop,
    }
)
