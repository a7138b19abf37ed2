"""What Telegram shows of the bot before anybody writes: commands and description, in each language."""

from typing import Final

from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats

from bot.texts import DEFAULT_LANGUAGE, LANGUAGES, Texts

COMMANDS: Final = ("start", "balance", "history", "cancel", "language", "help", "support", "terms")


async def publish_commands(bot: Bot, texts: Texts) -> None:
    """Tell Telegram the commands, once per language and once for everybody else. Raises aiogram's errors."""
    for code, lang in (*((lang, lang) for lang in LANGUAGES), (None, _elsewhere())):
        commands = [BotCommand(command=name, description=texts.say(lang, f"cmd-{name}")) for name in COMMANDS]
        await bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=code)
        await bot.set_my_description(texts.say(lang, "bot-description"), language_code=code)
        await bot.set_my_short_description(texts.say(lang, "bot-about"), language_code=code)


def _elsewhere() -> str:
    """What people of other languages read: English (`bot.texts.language_of`)."""
    return next(lang for lang in LANGUAGES if lang != DEFAULT_LANGUAGE)
