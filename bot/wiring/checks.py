"""What `reelstate doctor` asks of the outside: the store, Telegram and KIE, each answered with findings.

A check never raises for what it finds, and what it tells holds no secret: of a failed call only the
classifier's reason is shown.
"""

from aiogram.methods import GetMe

from adapters.embedded import EmbeddedConfig, EmbeddedError, EmbeddedServer
from adapters.kie.answers import Credits
from adapters.kie.client import KieClient, KieSettings
from adapters.kie.keys import ApiKey
from adapters.telegram.client import call, make_bot
from bot.settings import Settings, SettingsError
from bot.wiring.parts import make_catalogue
from bot.wiring.tuning import Tuning
from engine.clock import SystemClock
from engine.doctor import examine
from engine.fitness import Finding, Level
from states.classify import classify_kie_error, classify_telegram_error
from states.vocabulary import Failure, Reason

_TOP_UP = "top it up at kie.ai/billing: launches pause when it is empty"


async def check_store(settings: Settings) -> list[Finding]:
    """The server this installation would use; the embedded one is started for it unless it runs."""
    if not settings.embedded:
        return await examine(
            settings.redis_url.get_secret_value(), settings.store_partitions, settings.durability
        )
    server = EmbeddedServer(EmbeddedConfig(settings.data_dir / "valkey", attach=True))
    try:
        with server:
            found = await examine(server.url, settings.store_partitions, settings.durability)
            how = "started for this check" if server.owned else "running already"
    except EmbeddedError as error:
        return [trouble(error)]
    return [Finding(Level.OK, f"the embedded Valkey works ({how})"), *found]


def check_catalogue(settings: Settings) -> Finding:
    """Whether there is a model to sell today."""
    try:
        models = make_catalogue(settings).available(SystemClock().now_ms())
    except SettingsError as error:
        return trouble(error)
    if not models:
        return Finding(Level.ERROR, "every model is disabled or retired", "shorten REELSTATE_MODELS_DISABLED")
    return Finding(Level.OK, f"{len(models)} models on offer, first {models[0].id}")


async def ask_telegram(settings: Settings) -> Finding:
    """Whose token it is (getMe)."""
    timeouts = Tuning().telegram
    bot = make_bot(settings.bot_token.get_secret_value(), settings.telegram_api, timeouts)
    try:
        answer = await call(bot, GetMe(), timeout=timeouts.small(), step="poll")
    finally:
        await bot.session.close()
    if not isinstance(answer, Failure):
        return Finding(Level.OK, f"Telegram knows the bot as @{answer.username}")
    if answer.http_status in (401, 404):  # an unknown token is 404 when even its form is wrong
        return Finding(Level.ERROR, "Telegram refuses BOT_TOKEN", "copy it again from @BotFather")
    reason = classify_telegram_error(answer).reason
    mend = "check the network, a proxy and REELSTATE_TELEGRAM_API"
    return Finding(Level.ERROR, f"Telegram does not answer ({reason})", mend)


async def ask_kie(settings: Settings) -> list[Finding]:
    """What is left on the account of each key."""
    client = KieClient(KieSettings(base_url=settings.kie_api, file_base_url=settings.kie_files))
    try:
        return [
            _balance(name, await client.credits(ApiKey(name, value.get_secret_value())))
            for name, value in settings.api_keys
        ]
    finally:
        await client.aclose()


def _balance(name: str, answer: Credits | Failure) -> Finding:
    if isinstance(answer, Credits):
        shown = f"KIE key {name}: {answer.amount:g} credits"
        return Finding(Level.OK, shown) if answer.amount > 0 else Finding(Level.WARN, shown, _TOP_UP)
    reason = classify_kie_error(answer).reason
    if reason is Reason.PROVIDER_AUTH:
        return Finding(Level.ERROR, f"KIE refuses the key {name}", "copy it again from kie.ai/api-key")
    mend = "check the network, a proxy and REELSTATE_KIE_API"
    return Finding(Level.ERROR, f"KIE does not answer the key {name} ({reason})", mend)


def trouble(error: Exception) -> Finding:
    """An expected error as a finding: what was found, and after the first colon the mend."""
    what, _, mend = str(error).partition(": ")
    return Finding(Level.ERROR, what, mend.removesuffix("."))
