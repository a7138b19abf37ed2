"""Keyboards under messages. Colours are a hint for new clients; the words alone say everything."""

from collections.abc import Iterable, Sequence

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.drafts import OWN, TEMPLATES, Draft, Phase
from bot.ports import Offer
from bot.taps import Tap, Verb, short
from bot.texts import LANGUAGES, Html, Texts

GREEN, RED = "success", "danger"


def button(text: str, tap: Tap, style: str | None = None) -> InlineKeyboardButton:
    """One button that carries a tap."""
    return InlineKeyboardButton(text=text, callback_data=tap.pack(), style=style)


def rows(*lines: Iterable[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """A keyboard of these lines, empty ones left out."""
    kept = [list(line) for line in lines]
    return InlineKeyboardMarkup(inline_keyboard=[line for line in kept if line])


class Keyboards:
    """Every keyboard of the bot, in the user's language."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def _job(
        self, lang: str, key: str, verb: Verb, job_id: str, style: str | None = None
    ) -> InlineKeyboardButton:
        return button(self._texts.say(lang, key), Tap(verb, job_id), style)

    def plain(self, lang: str, key: str, verb: Verb) -> InlineKeyboardButton:
        """A button that needs no job and no draft."""
        return button(self._texts.say(lang, key), Tap(verb))

    # --- drafts ---------------------------------------------------------------------------------

    def proposal(
        self, lang: str, draft: Draft, offers: Sequence[Offer], chosen: Offer
    ) -> InlineKeyboardMarkup:
        """Styles, models, launch. The chosen ones carry a mark."""

        def tap(verb: Verb, arg: str = "") -> Tap:
            return Tap(verb, draft.token, draft.version, arg)

        def mark(text: str, on: bool) -> str:  # noqa: FBT001  (one private helper, called below)
            return f"• {text} •" if on else text

        say = self._texts.say
        styles = [
            button(mark(say(lang, f"template-{name}"), draft.template == name), tap(Verb.TEMPLATE, name))
            for name in TEMPLATES
        ]
        own = button(mark(say(lang, "btn-wishes"), draft.template == OWN), tap(Verb.WISHES))
        models = [
            button(
                mark(say(lang, "btn-model", model=Html(offer.title)), offer.id == chosen.id),
                tap(Verb.MODEL, short(offer.id)),
            )
            for offer in offers
        ]
        album = (
            [button(say(lang, "btn-next-photo"), tap(Verb.NEXT_PHOTO))] if len(draft.album_photos) > 1 else []
        )
        return rows(
            [button(say(lang, "btn-launch"), tap(Verb.LAUNCH), GREEN)],
            *_pairs(styles),
            [own],
            *_pairs(models if len(models) > 1 else []),
            album,
            [button(say(lang, "btn-drop"), tap(Verb.DROP), RED)],
        )

    def wishes(self, lang: str, draft: Draft) -> InlineKeyboardMarkup | None:
        """The way back while a description is awaited."""
        if draft.phase is not Phase.WISHES:
            return None
        return rows([button(self._texts.say(lang, "btn-back"), Tap(Verb.BACK, draft.token, draft.version))])

    # --- jobs -----------------------------------------------------------------------------------

    def waiting(self, lang: str, job_id: str, *, cancel: bool) -> InlineKeyboardMarkup:
        """Under a status message: Cancel only while it may still be free."""
        stop = [self._job(lang, "btn-cancel", Verb.CANCEL, job_id, RED)] if cancel else []
        return rows([self._job(lang, "btn-refresh", Verb.REFRESH, job_id), *stop])

    def delivered(self, lang: str, job_id: str) -> InlineKeyboardMarkup:
        """Under the video."""
        return rows(
            [
                self._job(lang, "btn-again", Verb.AGAIN, job_id),
                self._job(lang, "btn-style", Verb.STYLE, job_id),
            ],
            [self._job(lang, "btn-get", Verb.GET, job_id)],
        )

    def ended(self, lang: str, job_id: str, *, video: bool = False) -> InlineKeyboardMarkup:
        """Under the text of an ending without a video in the chat; `video`: there is one to get, free."""
        get = [self._job(lang, "btn-get", Verb.GET, job_id, GREEN)] if video else []
        return rows(
            get,
            [
                self.plain(lang, "btn-new-photo", Verb.NEW_PHOTO),
                self._job(lang, "btn-again", Verb.AGAIN, job_id),
            ],
            [self.plain(lang, "btn-balance", Verb.BALANCE)],
        )

    def get_video(self, lang: str, job_id: str) -> InlineKeyboardMarkup:
        """Just the free button."""
        return rows([self._job(lang, "btn-get", Verb.GET, job_id, GREEN)])

    def pick_cancel(self, lang: str, jobs: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup:
        """One Cancel per (job id, label)."""
        cancel = self._texts.say(lang, "btn-cancel")
        return rows(*([button(f"{cancel} {label}", Tap(Verb.CANCEL, job_id), RED)] for job_id, label in jobs))

    def history(self, lang: str, jobs: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup | None:
        """One free "get my video" per (job id, label)."""
        get = self._texts.say(lang, "btn-get")
        return (
            rows(*([button(f"{get} {label}", Tap(Verb.GET, job_id))] for job_id, label in jobs))
            if jobs
            else None
        )

    # --- the rest -------------------------------------------------------------------------------

    def erase(self, lang: str) -> InlineKeyboardMarkup:
        """Under the question whether everything shall go."""
        return rows([button(self._texts.say(lang, "btn-delete"), Tap(Verb.ERASE), RED)])

    def languages(self) -> InlineKeyboardMarkup:
        """Each language by its own name."""
        return rows(
            [
                button(self._texts.say(lang, "language-name"), Tap(Verb.LANGUAGE, arg=lang))
                for lang in LANGUAGES
            ]
        )


def _pairs(buttons: Sequence[InlineKeyboardButton]) -> list[Sequence[InlineKeyboardButton]]:
    return [buttons[i : i + 2] for i in range(0, len(buttons), 2)]
