"""A world of one's own for an installation: provider, Telegram and person on loopback, time that runs fast.

The installation inside is the real one with the real clients; only addresses, timeouts and the clock
differ. Nothing of it needs a key, a server or the network.
"""

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from adapters.kie.client import Timeouts as KieTimeouts
from adapters.sandbox.chat_page import PageOptions, mount
from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.kie_server import SandboxKie
from adapters.sandbox.telegram_server import SandboxTelegram
from adapters.telegram.client import Timeouts as TelegramTimeouts
from bot.settings import Settings, SettingsError, load_settings
from bot.wiring.app import App, Role, open_app
from bot.wiring.shared_clock import Pulse, Timekeeper
from bot.wiring.tuning import Tuning
from engine.config import EngineConfig, LimitsConfig
from engine.randomness import SystemRandomness

PERSON: Final = 1001
ADMIN: Final = 9001
SCALE: Final = 60.0
"""How fast a sandbox's time runs: a five-minute wait takes five seconds."""
CALL_S: Final = 2.0
"""Real seconds a sandbox call may take; below the three seconds for which a scenario hangs."""
LEASE_S: Final = 1.5
"""Real seconds of a lease in the sandbox, however fast its clock: that one waits for busy processes."""
_LEASE_S: Final = 3.0
"""The same on a clock that waits for nobody."""


def sandbox_tuning(scale: float, call_s: float = CALL_S, lease_s: float = _LEASE_S) -> Tuning:
    """Short real timeouts; leases that last seconds of real time.

    `call_s`: how long a call may take; a world in which none has to time out can be patient.
    """
    long_s = max(20.0, call_s)
    calls = KieTimeouts(connect_s=call_s, write_s=call_s, read_s=call_s, total_s=call_s)
    files = KieTimeouts(connect_s=call_s, write_s=long_s, read_s=long_s, total_s=long_s)
    lease_ms = round(lease_s * 1000 * scale)
    return Tuning(
        upload=files,
        create=calls,
        # the answer may wait for the film to be made
        poll=replace(files, read_s=max(10.0, call_s), total_s=max(10.0, call_s)),
        download=files,
        telegram=TelegramTimeouts(
            connect_s=call_s, call_s=call_s, answer_s=call_s, upload_s=long_s, poll_s=20
        ),
        engine=EngineConfig(
            lease_ms=lease_ms,
            inbox_lease_ms=lease_ms * 10,
            outbox_lease_ms=lease_ms * 10,
            limits=LimitsConfig(key_off_s=30, key_off_max_s=60, breaker_failures=10),
        ),
        stop_grace_s=2.0,
    )


@dataclass(slots=True)
class World:
    """A running sandbox and the installation in it."""

    app: App
    telegram: SandboxTelegram
    kie: SandboxKie
    faults: FaultPlan
    clock: Timekeeper
    settings: Settings
    directory: Path
    call_s: float = CALL_S
    extra: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def open_world(
    *,
    scale: float = SCALE,
    role: Role = Role.BOTH,
    page: PageOptions | None = None,
    port: int = 0,
    data_dir: Path | None = None,
    redis_url: str = "",
    keys: tuple[str, ...] = ("sandbox",),
    call_s: float = CALL_S,
) -> AsyncIterator[World]:
    """Start the servers and put an installation in between; everything ends with the context.

    `port`: of the chat page. Raises SettingsError when it is taken, and what `open_app` raises.
    """
    async with AsyncExitStack() as stack:
        directory = data_dir or Path(stack.enter_context(TemporaryDirectory(prefix="reelstate-")))
        clock = await stack.enter_async_context(_clock(scale))
        faults, randomness = FaultPlan(), SystemRandomness()
        token = f"123456:{secrets.token_urlsafe(26)}"
        api_keys = {name: secrets.token_hex(16) for name in keys}
        telegram = SandboxTelegram(token, clock, faults=faults, port=port)
        telegram.person(ADMIN).chat.started = True  # a bot may not write to who never wrote to it
        if page is not None:
            mount(telegram, page)
        kie = SandboxKie(
            clock,
            randomness,
            dict.fromkeys(api_keys.values(), 5000.0),
            faults=faults,
            hold=clock.halted,
        )
        for server in (telegram, kie):
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                raise SettingsError(f"Port {port} is taken: choose another one with --port.") from error
        settings = _settings(token, api_keys, redis_url, directory, telegram.url, kie.url)
        app = await stack.enter_async_context(
            open_app(settings, role, tuning=sandbox_tuning(scale, call_s, LEASE_S), clock=clock)
        )
        if app.server is not None:
            clock.heeded.append(Pulse(app.server.url.removeprefix("unix://")))
        yield World(app, telegram, kie, faults, clock, settings, directory, call_s)


@asynccontextmanager
async def _clock(scale: float) -> AsyncIterator[Timekeeper]:
    with TemporaryDirectory(prefix="reelstate-") as folder:
        async with Timekeeper(Path(folder) / "clock", scale) as clock:
            yield clock


def _settings(
    token: str, api_keys: dict[str, str], redis_url: str, directory: Path, telegram: str, kie: str
) -> Settings:
    """The installation's settings. Every field the viewer's own environment could set is given here."""
    callbacks = free_port()
    return load_settings(
        None,
        bot_token=token,
        kie_api_key="",
        kie_api_keys=",".join(f"{name}={value}" for name, value in api_keys.items()),
        redis_url=redis_url,
        data_dir=directory,
        telegram_api=telegram,
        kie_api=kie,
        kie_files=kie,
        public_url=f"http://127.0.0.1:{callbacks}",
        listen_host="127.0.0.1",
        listen_port=callbacks,
        callback_secret=secrets.token_urlsafe(24),
        kie_webhook_key="",
        webhook_secret="",
        live_token="",
        live_open=False,
        admin_chat_id=ADMIN,
        admin_ids=(),
        support="@support",
        trial_credits=2,
        partitions=1,
    )


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
