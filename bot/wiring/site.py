"""What is reached from outside: the provider's callbacks, Telegram's webhook and the live page."""

from contextlib import AsyncExitStack

from aiohttp import web

from adapters.kie.callback import CallbackSecrets, OnHint, add_callback_route
from adapters.telegram.webhook import webhook_handler
from bot.settings import Settings, SettingsError
from bot.wiring.live import mount_live, wants_live
from engine.front import Engine

WEBHOOK_PATH = "/telegram"


async def open_site(
    settings: Settings, engine: Engine, on_hint: OnHint, stack: AsyncExitStack
) -> web.Application | None:
    """Callbacks and webhook, when there is an address under which we are reached; the live page if wanted.

    Raises SettingsError when the port is taken.
    """
    if not (settings.public_url or wants_live(settings)):
        return None
    site = web.Application(client_max_size=4 * 1024 * 1024)
    mount_live(site, engine, settings)
    if settings.public_url:
        secrets = CallbackSecrets(
            settings.callback_secret.get_secret_value(), settings.kie_webhook_key.get_secret_value()
        )
        add_callback_route(site, secrets, on_hint, engine.store.clock)
    if settings.webhook:
        handler = webhook_handler(settings.webhook_secret.get_secret_value(), engine.put_update)
        site.router.add_post(WEBHOOK_PATH, handler)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, settings.listen_host, settings.listen_port).start()
    except OSError as error:
        raise SettingsError(
            f"Port {settings.listen_port} on {settings.listen_host} is taken:"
            " set REELSTATE_LISTEN_PORT to another one, or 0 for any free one."
        ) from error
    return site
