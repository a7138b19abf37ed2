"""Showing a draft as a proposal: style, model, price, balance and the usual time, with the launch button."""

from math import ceil

from bot.desk import Guest
from bot.drafts import Draft, Phase
from bot.ports import Offer
from bot.talk import send, show
from bot.texts import Html, clip


async def propose(
    guest: Guest, draft: Draft, *, message_id: int | None = None, lead: Html | None = None
) -> Draft:
    """Show the draft, in `message_id` when that can be edited; answers the draft as stored.

    `lead` replaces the proposal's text (launches are paused, say) above the same buttons.
    """
    desk = guest.desk
    offer = desk.chosen(draft.model)
    if offer is None:
        await show(desk.bot, guest.chat_id, message_id, guest.say("no-models"))
        return await desk.drafts.save(guest.user_id, draft)
    ready = draft.priced(offer.id, offer.price)
    # stored before it is shown: a button that works is never shown for a draft that was lost
    await desk.drafts.save(guest.user_id, ready)
    text = lead or await _text(guest, ready, offer)
    keyboard = desk.keyboards.proposal(guest.lang, ready, desk.offers.offers(), offer)
    shown_in = await show(desk.bot, guest.chat_id, message_id, text, keyboard)
    return await desk.drafts.save(guest.user_id, ready.shown(shown_in))


async def _text(guest: Guest, draft: Draft, offer: Offer) -> Html:
    balance = await guest.desk.balance(guest.user_id)
    price = guest.desk.texts.credits(guest.lang, offer.price)
    about = {
        "template": guest.desk.texts.template(guest.lang, draft.template),
        "about": guest.say(f"template-{draft.template}-about"),
        "model": offer.title,
        "wishes": clip(draft.wishes) or guest.say("wishes-none"),
    }
    if balance is not None and balance < offer.price:
        missing = guest.desk.texts.credits(guest.lang, offer.price - balance)
        money = guest.say("price-and-missing", price=price, balance=balance, missing=missing)
        return guest.say("proposal-missing", money=money, **about)
    known = balance is not None
    money = (
        guest.say("price-and-balance", price=price, balance=balance or 0)
        if known
        else guest.say("price-only", price=price)
    )
    return guest.say("proposal", money=money, minutes=minutes(guest, *offer.expected_s), **about)


def minutes(guest: Guest, low_s: int, high_s: int) -> Html:
    """A range of minutes, rounded outwards so that it is kept."""
    low, high = max(1, low_s // 60), max(1, ceil(high_s / 60))
    if low == high:
        return guest.say("minutes-about", high=high)
    return guest.say("minutes", low=low, high=high)


async def ask_wishes(guest: Guest, draft: Draft, message_id: int | None) -> None:
    """Ask for a description, in the proposal's own message."""
    asking = await guest.desk.drafts.save(guest.user_id, draft.changed(phase=Phase.WISHES))
    keyboard = guest.desk.keyboards.wishes(guest.lang, asking)
    await show(guest.desk.bot, guest.chat_id, message_id, guest.say("wishes-ask"), keyboard)


async def tell(guest: Guest, key: str, /, **values: str | float) -> None:
    """A new message with a text."""
    await send(guest.desk.bot, guest.chat_id, guest.say(key, **values))
