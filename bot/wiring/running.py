"""Coroutines run for the command line: expected trouble becomes one sentence, Ctrl-C is quiet."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from adapters.embedded import EmbeddedError
from bot.settings import SettingsError
from bot.trouble import Trouble
from engine.config import ConfigError
from engine.errors import EngineError, StoreUnavailable

__all__ = ["Trouble", "finished"]
T = TypeVar("T")


def finished(work: Coroutine[None, None, T]) -> T:
    """The result of a command's coroutine. Raises Trouble for what a user can mend."""
    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        raise Trouble(
            f"The store cannot be reached: {error}. Start the server or correct REDIS_URL."
        ) from None
    except (SettingsError, EngineError, ConfigError, EmbeddedError) as error:
        raise Trouble(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
