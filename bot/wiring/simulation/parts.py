"""What stands between a world's processes and its Telegram: the real courier and notifier, plain words."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup

from adapters.sandbox.world.telegram import SimTelegram
from adapters.telegram.courier import TelegramCourier
from adapters.telegram.ladder import Facts, Stock
from adapters.telegram.notifier import TelegramNotifier
from adapters.telegram.quiet import Quiet
from bot.wiring.simulation.session import Doubt, SimSession
from engine.ports import Courier, Delivered, Delivery, Failed, Notice, Randomness
from engine.simulation.fate import Fate, Odds
from engine.simulation.host import Host
from states.job import Job, Video
from states.vocabulary import Failure, NoticeKind

NEW_MESSAGES: Final = frozenset({NoticeKind.BELL, NoticeKind.LATE_VIDEO})
FILES: Final[Odds] = {"file_raises": 0.015, "file_lost": 0.015}
"""What becomes of a video's file on our own disk."""
PUBLIC: Final = 0.5
"""How many worlds have an address at which Telegram and the users may fetch a video."""
_TOKEN: Final = "42:" + "simulated-token-of-no-use-to-anybody"


@dataclass(frozen=True, slots=True)
class _Words:
    """A notice or a caption in plain words that the checks can read."""

    text_html: str
    keyboard: InlineKeyboardMarkup | None = None
    as_edit: bool = True

    @property
    def caption_html(self) -> str:
        """The same, as a caption."""
        return self.text_html


@dataclass(slots=True)
class Told:
    """Every notice that was about to be shown: kind and job -> its ids."""

    ids: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def render(self, notice: Notice) -> _Words:
        """The words of a notice; each is noted."""
        self.ids.setdefault((notice.kind, notice.job_id), set()).add(notice.id)
        edit = notice.kind not in NEW_MESSAGES
        return _Words(f"{notice.kind} {notice.job_id if edit else notice.id}", as_edit=edit)


class Shop:
    """One process's courier and notifier over its own line to Telegram."""

    def __init__(
        self, telegram: SimTelegram, host: Host, fate: Fate, doubt: Doubt, told: Told, randomness: Randomness
    ) -> None:
        self.bot = Bot(_TOKEN, session=SimSession(telegram, host, fate, doubt))
        quiet = Quiet(host)
        self.courier: Courier = TelegramCourier(self.bot, _stock(host, fate), randomness, quiet=quiet)
        self.notifier = TelegramNotifier(self.bot, told.render, host, quiet=quiet)


def _stock(host: Host, fate: Fate) -> Stock:
    async def fetch(video: Video) -> Path | Failure:
        """Some file; nobody looks inside. Now and then it is gone."""
        kind = fate.draw("telegram", f"{host.name} file {video.url}", FILES)
        if kind == "file_raises":
            raise FileNotFoundError(video.url)
        if kind == "file_lost":
            return Failure("engine", "store", exception="FileNotFoundError: it is not there")
        path = Path(tempfile.gettempdir()) / "reelstate-simulated.mp4"
        if not path.exists():
            path.write_bytes(b"simulated")
        return path

    async def inspect(path: Path) -> Facts | None:  # noqa: ARG001 - the stock's shape
        return None

    def dress(job: Job, video: Video) -> _Words:  # noqa: ARG001 - the stock's shape
        return _Words(f"video of {job.id}")

    public = fate.number("public address") < PUBLIC
    return Stock(dress, fetch, inspect, open_url=lambda video: video.url if public else "")


@dataclass(frozen=True, slots=True)
class BlindCourier:
    """A planted bug: every attempt sends a new message, whatever may have arrived before."""

    real: Courier

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        """As if it were the first time."""
        video = replace(delivery.video, file_kind="")
        blind = replace(delivery.job, status_message_id=None, video=video)
        return await self.real.deliver(Delivery(blind, video, verify_first=False), note)
