"""Showing notices: edits of the one status message, short new messages where an edit cannot be, alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiogram import Bot
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import InlineKeyboardMarkup

from adapters.telegram.client import Timeouts, call
from adapters.telegram.failures import failed, is_plain_fault, judge
from adapters.telegram.ladder import plain_words
from adapters.telegram.quiet import Quiet
from engine.ports import Alert, Clock, Failed, Notice, Told
from states.vocabulary import ErrorClass, Failure, Label, NoticeKind

_TEXT_LIMIT = 4096


class Rendered(Protocol):
    """A notice in words, as the bot gives it. `as_edit`: into the status message; else a new message."""

    @property
    def text_html(self) -> str:
        """HTML as the Bot API knows it."""
        ...

    @property
    def keyboard(self) -> InlineKeyboardMarkup | None:
        """The buttons below."""
        ...

    @property
    def as_edit(self) -> bool:
        """Whether it replaces the status message's text."""
        ...


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    keyboard: InlineKeyboardMarkup | None = None
    html: bool = True

    def plain(self) -> "_Words":
        """The same words without markup or keyboard: Telegram cannot refuse those."""
        return _Words(plain_words(self.text, _TEXT_LIMIT), html=False)

    @property
    def parse_mode(self) -> str | None:
        """For the Bot API."""
        return "HTML" if self.html else None


class TelegramNotifier:
    """engine.ports.Notifier, and the way to the admin chat (`admin_chat_id` 0: there is none)."""

    def __init__(
        self,
        bot: Bot,
        render: Callable[[Notice], Rendered],
        clock: Clock,
        *,
        admin_chat_id: int = 0,
        timeouts: Timeouts | None = None,
        quiet: Quiet | None = None,
    ) -> None:
        self._bot = bot
        self._render = render
        self._admin_chat_id = admin_chat_id
        self._timeouts = timeouts or Timeouts()
        self._quiet = quiet or Quiet(clock)

    async def tell(self, notice: Notice) -> Told | Failed:
        """Show it now. `Told.message_id` is set only when the status message had to be begun anew."""
        hush = self._quiet.hush(notice.chat_id)
        if hush is not None:
            return hush
        rendered = self._render(notice)
        words = _Words(rendered.text_html, rendered.keyboard)
        if not rendered.as_edit:
            return await self._bell(notice, words)
        if notice.status_message_id:
            told = await self._edit(notice, words, notice.status_message_id)
            if told is not None:
                return told
        return await self._send(notice.chat_id, words)

    async def tell_admin(self, alert: Alert) -> Told | Failed:
        """One alert to the operator's chat, as plain text; Told without a call when there is no such chat."""
        if not self._admin_chat_id:
            return Told()
        hush = self._quiet.hush(self._admin_chat_id)
        if hush is not None:
            return hush
        count = f" ×{alert.count}" if alert.count > 1 else ""
        job = f"\njob {alert.job_id}" if alert.job_id else ""
        words = _Words(f"[{alert.kind}]{count} {alert.text}{job}"[:_TEXT_LIMIT], html=False)
        return await self._send(self._admin_chat_id, words)

    async def _edit(self, notice: Notice, words: _Words, message_id: int) -> Told | Failed | None:
        """None: there is nothing to edit any more, begin a new message."""
        method = EditMessageText(
            chat_id=notice.chat_id,
            message_id=message_id,
            text=words.text,
            parse_mode=words.parse_mode,
            reply_markup=words.keyboard,
        )
        answer = await call(self._bot, method, timeout=self._timeouts.small())
        if not isinstance(answer, Failure):
            return Told()
        label = judge(answer).label
        if label is Label.OK_NOOP:
            return Told()
        if words.html and is_plain_fault(answer):
            return await self._edit(notice, words.plain(), message_id)
        if label is Label.STALE:
            # Progress of a message that shows the video already is old news.
            late = notice.kind is NoticeKind.STATUS and "no text in the message" in answer.message
            return Told() if late else None
        if label is Label.CHAT_MOVED:
            return None
        return self._refused(notice.chat_id, answer)

    async def _bell(self, notice: Notice, words: _Words) -> Told | Failed:
        """A bell whose answer was lost counts as rung: one lost is better than two heard."""
        told = await self._send(notice.chat_id, words)
        if isinstance(told, Told):
            return Told()  # a bell never becomes the status message
        lost = told.verdict.cls is ErrorClass.AMBIGUOUS and notice.kind is NoticeKind.BELL
        return Told() if lost else told

    async def _send(self, chat_id: int, words: _Words) -> Told | Failed:
        method = SendMessage(
            chat_id=chat_id, text=words.text, parse_mode=words.parse_mode, reply_markup=words.keyboard
        )
        answer = await call(self._bot, method, timeout=self._timeouts.small())
        if not isinstance(answer, Failure):
            return Told(answer.message_id)
        if words.html and is_plain_fault(answer):
            return await self._send(chat_id, words.plain())
        if answer.migrate_to_chat_id not in (None, chat_id):
            return await self._send(answer.migrate_to_chat_id or chat_id, words)
        return self._refused(chat_id, answer)

    def _refused(self, chat_id: int, failure: Failure) -> Failed:
        self._quiet.hear(chat_id, failure)
        return failed(failure)
