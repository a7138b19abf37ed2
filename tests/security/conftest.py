"""The bot's hall, for what strangers send it."""

from tests.bot.conftest import hall

__all__ = ["hall"]
