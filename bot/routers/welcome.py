"""/start with the trial credits, and the pages that only explain: /help, /language, /support, /terms."""

from urllib.parse import quote

from aiogram import Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot.desk import LANGUAGE_KEY, LANGUAGE_TTL_S, Guest
from bot.talk import Toast, send, show
from bot.taps import Tap
from bot.texts import LANGUAGES, Html
from engine.ports import Alert
from engine.values import EntryKind


async def start(_message: Message, guest: Guest) -> None:
    """Greet, give the trial once per account, say what a good photo is."""
    text = guest.say("start", money=await _trial(guest), side=guest.desk.house.min_side)
    await send(guest.desk.bot, guest.chat_id, text)


async def _trial(guest: Guest) -> Html:
    """The money line of a greeting. The external id makes the gift happen at most once, ever."""
    trial = guest.desk.house.trial_credits
    if trial > 0:
        granted = await guest.desk.engine.grant(
            guest.user_id, trial, f"trial:{guest.user_id}", EntryKind.TRIAL
        )
        if granted.applied:
            return guest.say("start-trial", trial=trial, balance=granted.balance)
        return guest.say("start-balance", balance=granted.balance)
    balance = await guest.desk.balance(guest.user_id)
    return guest.say("start-no-balance") if balance is None else guest.say("start-balance", balance=balance)


async def help_page(_message: Message, guest: Guest) -> None:
    """What the bot does and which commands there are."""
    await send(guest.desk.bot, guest.chat_id, guest.say("help", side=guest.desk.house.min_side))


async def terms(_message: Message, guest: Guest) -> None:
    """What the code keeps: when credits are charged and when they come back."""
    await send(guest.desk.bot, guest.chat_id, guest.say("terms"))


async def support(message: Message, command: CommandObject, guest: Guest) -> None:
    """A link that carries the last job's number, or the question handed to the admin chat."""
    desk = guest.desk
    jobs = await desk.engine.jobs_of(guest.user_id, 1)
    number = jobs[0].id if jobs else ""
    if desk.house.support:
        link = _support_link(guest, number)
        await send(desk.bot, guest.chat_id, guest.say("support", support=desk.house.support), link)
    elif question := (command.args or "").strip():
        alert = Alert(
            f"support:{guest.chat_id}:{message.message_id}", "support", _asked(guest, question), number
        )
        await desk.engine.alert(alert)
        await send(desk.bot, guest.chat_id, guest.say("support-sent"))
    else:
        await send(desk.bot, guest.chat_id, guest.say("support-command"))


def _asked(guest: Guest, question: str) -> str:
    return f"user {guest.user_id} asks: {question[:450]}"


def _support_link(guest: Guest, job_id: str) -> InlineKeyboardMarkup:
    handle = guest.desk.house.support.removeprefix("@")
    query = f"?text={quote(job_id)}" if job_id else ""
    button = InlineKeyboardButton(text=guest.say("btn-support"), url=f"https://t.me/{handle}{query}")
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


async def language(_message: Message, guest: Guest) -> None:
    """Offer the languages."""
    await send(guest.desk.bot, guest.chat_id, guest.say("language-ask"), guest.desk.keyboards.languages())


async def choose_language(tap: Tap, guest: Guest, toast: Toast, message_id: int | None) -> None:
    """Remember the user's own choice; it wins over what their Telegram speaks."""
    if tap.arg not in LANGUAGES:
        await toast.show(guest.say("toast-outdated"), alert=True)
        return
    await guest.desk.engine.remember(guest.user_id, LANGUAGE_KEY, tap.arg.encode(), LANGUAGE_TTL_S)
    await toast.show()
    chosen = guest.desk.texts.say(tap.arg, "language-set")
    await show(guest.desk.bot, guest.chat_id, message_id, chosen)


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="welcome")
    router.message.register(start, CommandStart())
    router.message.register(help_page, Command("help", "settings"))
    router.message.register(terms, Command("terms"))
    router.message.register(support, Command("support", "paysupport"))
    router.message.register(language, Command("language"))
    return router
