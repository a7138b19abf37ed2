"""What must hold of any installation at rest, whatever happened to it: the books, the store, the secrets."""

from collections import Counter
from collections.abc import Iterable

from bot.settings import Settings
from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.check.values import Finding
from engine.values import Entry, EntryKind

_ENDS = {EntryKind.CAPTURE, EntryKind.RELEASE}


async def findings(url: str) -> tuple[Finding, ...]:
    """Every broken invariant of the store: all accounts add up to zero, histories have no gap, and so on."""
    async with await StoreReader.open(url) as reader:
        report = await check_store(reader)
        assert report.jobs + report.users > 0, "an empty store proves nothing"
        return report.findings


def money_of(entries: Iterable[Entry], job_id: str) -> list[EntryKind]:
    """What moved for a job, in order."""
    return [entry.kind for entry in entries if entry.job_id == job_id]


def books_close(entries: Iterable[Entry], balance: int) -> bool:
    """Whether one user's rows (oldest first) lead to the balance, and each hold has exactly one end."""
    free, holds = 0, Counter[str]()
    for entry in entries:
        free += entry.delta
        if entry.balance != free:
            return False
        if entry.kind is EntryKind.HOLD:
            holds[entry.job_id] += 1
        elif entry.kind in _ENDS:
            holds[entry.job_id] -= 1
    return free == balance and not any(holds.values())


def secrets_of(settings: Settings) -> list[str]:
    """What may stand in no message, log, history or screen."""
    keys = [value.get_secret_value() for _, value in settings.api_keys]
    return [settings.bot_token.get_secret_value(), settings.callback_secret.get_secret_value(), *keys]
