"""/balance: the account and a statement in which every line names its job."""

from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.desk import Guest
from bot.routers.proposals import tell
from bot.talk import send
from bot.texts import Html, clip, utc_date
from engine.errors import StoreUnavailable
from engine.values import Entry

_LINES: Final = 20
_NOTE: Final = 60


async def balance(_message: Message, guest: Guest) -> None:
    """Free and reserved credits, newest movements first."""
    await show_balance(guest)


async def show_balance(guest: Guest) -> None:
    """The account in a new message; "try later" when it cannot be read (never a zero)."""
    engine = guest.desk.engine
    try:
        account = await engine.account(guest.user_id)
        entries = await engine.statement(guest.user_id, _LINES)
    except StoreUnavailable:
        await tell(guest, "try-later")
        return
    lines = Html("\n".join(_line(guest, entry) for entry in entries)) or guest.say("statement-empty")
    text = guest.say("balance", balance=account.balance, held=account.held, lines=lines)
    await send(guest.desk.bot, guest.chat_id, text)


def _line(guest: Guest, entry: Entry) -> Html:
    sign = "+" if entry.delta > 0 else "−" if entry.delta < 0 else ""
    what = f"entry-{entry.kind}"
    job = Html(f"<code>{entry.job_id}</code>")
    return guest.say(
        "statement-line",
        date=utc_date(entry.ms),
        delta=f"{sign}{abs(entry.delta)}",
        balance=str(entry.balance),
        what=guest.say(what, job=job) if entry.job_id else guest.say(what, note=clip(entry.note, _NOTE)),
    )


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="money")
    router.message.register(balance, Command("balance"))
    return router
