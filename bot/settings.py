"""Every setting, from the environment or a `.env` file; `.env.example` lists them with the same words.

Nothing is read from the environment anywhere else. What is wrong is one sentence that names the variable
and the mend (`SettingsError`). Secrets are `SecretStr`: they print as asterisks.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from engine.durability import Durability
from engine.endpoints import AddressWrong, parse_endpoint

_TOKEN: Final = re.compile(r"\d{3,}:[A-Za-z0-9_-]{20,}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,256}")
_HANDLE: Final = re.compile(r"@[A-Za-z]\w{3,31}")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The set-up cannot work. `str()` is one sentence with the variable and the mend."""


def _words(value: Any) -> Any:
    """`a, b` as a tuple; what is none already stays."""
    return (
        tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value
    )


def _pairs(value: Any) -> Any:
    """`a=1, b=2` as a mapping; a word without `=` is refused."""
    if not isinstance(value, str):
        return value
    found = {}
    for word in _words(value):
        name, equals, number = word.partition("=")
        if not equals:
            raise ValueError(f"write name=value pairs with commas between them, not {word[:80]!r}")
        found[name.strip()] = number.strip()
    return found


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Ids = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_words)]
Prices = Annotated[dict[str, Annotated[int, Field(ge=0, le=10_000)]], NoDecode, BeforeValidator(_pairs)]


def _env(name: str) -> Any:
    """The variable a field is read from (its own name serves in code)."""
    return AliasChoices(name)


class Settings(BaseSettings):
    """The set-up of one installation. Each field's default is what a fresh machine runs with."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        hide_input_in_errors=True,  # a refused secret must not be quoted
    )

    bot_token: SecretStr = Field(SecretStr(""), validation_alias=_env("BOT_TOKEN"))
    """The bot's token from @BotFather. Needed by `run`, `bot` and `worker`."""
    kie_api_key: SecretStr = Field(SecretStr(""), validation_alias=_env("KIE_API_KEY"))
    """One KIE.AI key. Needed by `run` and `worker`, unless KIE_API_KEYS is set."""
    kie_api_keys: SecretStr = Field(SecretStr(""), validation_alias=_env("KIE_API_KEYS"))
    """Several keys as `name=key, name2=key2`; only the names are ever shown."""
    redis_url: SecretStr = Field(SecretStr(""), validation_alias=_env("REDIS_URL"))
    """Redis >= 7.0 or Valkey >= 7.2, e.g. `redis://user:password@host:6379/0`; also TLS, a cluster, sentinels
    (`engine.endpoints`). Empty: the embedded Valkey."""

    data_dir: Path = Field(Path("var"), validation_alias=_env("REELSTATE_DATA_DIR"))
    """Where the embedded Valkey and the finished videos live."""
    partitions: int = Field(0, ge=0, le=16, validation_alias=_env("REELSTATE_PARTITIONS"))
    """Partitions of a new store; 0 = 1 for the embedded server, 16 elsewhere. Fixed when it is created."""
    durability: Durability = Field(Durability.SAFE, validation_alias=_env("REELSTATE_DURABILITY"))
    """What an acknowledged write has survived: fast (nothing), safe (the disk), strict (a replica too)."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_env("REELSTATE_LOG_LEVEL")
    )
    """How much is logged: DEBUG, INFO, WARNING or ERROR."""

    admin_chat_id: int = Field(0, validation_alias=_env("REELSTATE_ADMIN_CHAT_ID"))
    """Chat that gets alerts and may give operators' commands; 0 = none."""
    admin_ids: Ids = Field((), validation_alias=_env("REELSTATE_ADMIN_IDS"))
    """Telegram ids of people whose operators' commands are taken anywhere, with commas."""
    admin_language: Literal["ru", "en"] = Field("ru", validation_alias=_env("REELSTATE_ADMIN_LANGUAGE"))
    """Language of the alerts: ru or en."""
    support: str = Field("", validation_alias=_env("REELSTATE_SUPPORT"))
    """Handle users write to, e.g. `@shop_help`. Empty: questions go to the admin chat by /support."""

    trial_credits: int = Field(2, ge=0, le=1000, validation_alias=_env("REELSTATE_TRIAL_CREDITS"))
    """Credits a new user gets once; 0 = none."""
    model: str = Field("", validation_alias=_env("REELSTATE_MODEL"))
    """Model offered first, a catalogue id. Empty: the catalogue's own order."""
    models_disabled: Words = Field((), validation_alias=_env("REELSTATE_MODELS_DISABLED"))
    """Catalogue ids that are neither offered nor used as a fallback, with commas."""
    prices: Prices = Field(default_factory=dict, validation_alias=_env("REELSTATE_PRICES"))
    """Our credits for one clip, by model, as `model=credits, model2=credits`. Others keep the catalogue's."""
    clip_s: int = Field(10, ge=4, le=15, validation_alias=_env("REELSTATE_CLIP_S"))
    """Length of a clip, seconds; a model makes the nearest length it can."""

    public_url: str = Field("", validation_alias=_env("REELSTATE_PUBLIC_URL"))
    """Address under which KIE (and Telegram, with a webhook) reaches us, https. Empty: polling only."""
    listen_host: str = Field("127.0.0.1", validation_alias=_env("REELSTATE_LISTEN_HOST"))
    """Interface for callbacks, webhook and the live page."""
    listen_port: int = Field(8080, ge=0, le=65535, validation_alias=_env("REELSTATE_LISTEN_PORT"))
    """Port for the same; 0 takes a free one."""
    callback_secret: SecretStr = Field(SecretStr(""), validation_alias=_env("REELSTATE_CALLBACK_SECRET"))
    """Signs our KIE callback addresses; 16 or more of A-Z a-z 0-9 _ -. Needed with REELSTATE_PUBLIC_URL."""
    kie_webhook_key: SecretStr = Field(SecretStr(""), validation_alias=_env("REELSTATE_KIE_WEBHOOK_KEY"))
    """The webhook key shown at kie.ai/settings, when one was set there: callbacks are verified with it."""
    webhook_secret: SecretStr = Field(SecretStr(""), validation_alias=_env("REELSTATE_WEBHOOK_SECRET"))
    """Set: Telegram posts updates to REELSTATE_PUBLIC_URL with it (16-256 of A-Z a-z 0-9 _ -)."""

    live_token: SecretStr = Field(SecretStr(""), validation_alias=_env("REELSTATE_LIVE_TOKEN"))
    """Opens the live page at /live of the same port, after signing in with it; 16-256 of A-Z a-z 0-9 _ -."""
    live_open: bool = Field(False, validation_alias=_env("REELSTATE_LIVE_OPEN"))
    """true: anybody who reaches /live may look, without personal text and without acting."""

    telegram_api: str = Field("https://api.telegram.org", validation_alias=_env("REELSTATE_TELEGRAM_API"))
    """Base address of the Bot API (an own Bot API server, or the sandbox)."""
    kie_api: str = Field("https://api.kie.ai", validation_alias=_env("REELSTATE_KIE_API"))
    """Base address of KIE.AI."""
    kie_files: str = Field("https://kieai.redpandaai.co", validation_alias=_env("REELSTATE_KIE_FILES"))
    """Base address of KIE.AI's file upload."""

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        """What no single field shows. The first trouble is told."""
        for check in (_check_token, _check_keys, _check_urls, _check_secrets, _check_support):
            check(self)
        return self

    @property
    def api_keys(self) -> tuple[tuple[str, SecretStr], ...]:
        """KIE keys by name, KIE_API_KEY as `main` after those of KIE_API_KEYS."""
        several = _pairs(self.kie_api_keys.get_secret_value())
        keys = [(name, SecretStr(value)) for name, value in several.items()]
        if self.kie_api_key.get_secret_value():
            keys.append(("main", self.kie_api_key))
        return tuple(keys)

    @property
    def embedded(self) -> bool:
        """Whether we run our own Valkey."""
        return not self.redis_url.get_secret_value()

    @property
    def store_partitions(self) -> int:
        """Partitions of a store that is created now."""
        return self.partitions or (1 if self.embedded else 16)

    @property
    def webhook(self) -> bool:
        """Whether Telegram posts updates to us (else we poll)."""
        return bool(self.webhook_secret.get_secret_value())

    def require(self, *names: str) -> None:
        """Refuse to go on without these fields. Raises SettingsError."""
        for name in names:
            value = self.api_keys if name == "api_keys" else getattr(self, name)
            empty = not (value.get_secret_value() if isinstance(value, SecretStr) else value)
            if empty:
                raise SettingsError(_MISSING[name])


_MISSING: Final[Mapping[str, str]] = {
    "bot_token": "BOT_TOKEN is not set: put the token that @BotFather shows for your bot into .env.",
    "api_keys": "KIE_API_KEY is not set: put a key from kie.ai/api-key into .env.",
    "public_url": "REELSTATE_PUBLIC_URL is not set: give the https address under which we are reached.",
    "admin_chat_id": "REELSTATE_ADMIN_CHAT_ID is not set: give the id of the chat that gets alerts.",
}


def _check_token(settings: Settings) -> None:
    token = settings.bot_token.get_secret_value()
    if token and not _TOKEN.fullmatch(token):
        raise ValueError("BOT_TOKEN|does not look like a bot token: copy it whole from @BotFather")


def _check_keys(settings: Settings) -> None:
    several = settings.kie_api_keys.get_secret_value()
    try:
        names = [word.partition("=")[0].strip() for word in several.split(",") if word.strip()]
        keys = settings.api_keys
    except ValueError:
        # the sentence of _pairs would quote the key
        raise ValueError("KIE_API_KEYS|must be name=key pairs with commas between them") from None
    if len({*names, "main"}) != len(names) + 1:
        raise ValueError("KIE_API_KEYS|names a key twice (or main, which is KIE_API_KEY): use other names")
    for name, key in keys:
        value = key.get_secret_value()
        if not (name and value and value.isascii() and value.isprintable() and " " not in value):
            variable = "KIE_API_KEY" if name == "main" else "KIE_API_KEYS"
            raise ValueError(f"{variable}|holds an empty key or characters no key has: copy it again")


def _check_urls(settings: Settings) -> None:
    redis = settings.redis_url.get_secret_value()
    if redis:
        try:
            parse_endpoint(redis)
        except AddressWrong as error:
            raise ValueError(f"REDIS_URL|{error.why}") from None
    if settings.embedded and settings.durability is Durability.STRICT:
        raise ValueError(
            "REELSTATE_DURABILITY|cannot be strict with the embedded Valkey, which has no replica:"
            " set REDIS_URL, or use safe"
        )
    plain = {
        "REELSTATE_TELEGRAM_API": settings.telegram_api,
        "REELSTATE_KIE_API": settings.kie_api,
        "REELSTATE_KIE_FILES": settings.kie_files,
        "REELSTATE_PUBLIC_URL": settings.public_url,
    }
    for name, url in plain.items():
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError(f"{name}|must be a whole address such as https://example.org")


def _check_secrets(settings: Settings) -> None:
    secrets = {
        "REELSTATE_CALLBACK_SECRET": settings.callback_secret.get_secret_value(),
        "REELSTATE_WEBHOOK_SECRET": settings.webhook_secret.get_secret_value(),
        "REELSTATE_LIVE_TOKEN": settings.live_token.get_secret_value(),
    }
    for name, secret in secrets.items():
        if secret and not _SECRET.fullmatch(secret):
            raise ValueError(f"{name}|must be 16 to 256 of A-Z a-z 0-9 _ -")
    if settings.public_url and not secrets["REELSTATE_CALLBACK_SECRET"]:
        raise ValueError(
            "REELSTATE_CALLBACK_SECRET|is not set, but REELSTATE_PUBLIC_URL is: anybody could post callbacks;"
            " set 16 or more random letters"
        )
    if secrets["REELSTATE_WEBHOOK_SECRET"] and not settings.public_url.startswith("https://"):
        raise ValueError(
            "REELSTATE_WEBHOOK_SECRET|needs an https REELSTATE_PUBLIC_URL:"
            " set it, or leave the secret empty to poll"
        )


def _check_support(settings: Settings) -> None:
    if settings.support and not _HANDLE.fullmatch(settings.support):
        raise ValueError("REELSTATE_SUPPORT|must be a Telegram handle such as @shop_help")


def load_settings(env_file: Path | None = Path(".env"), **given: Any) -> Settings:
    """The settings of this process; `given` (fields by their own names) wins over the environment.

    Raises SettingsError with one sentence: the first variable that cannot work, and the mend.
    """
    try:
        return Settings(_env_file=env_file, **given)  # type: ignore[call-arg]  # pydantic-settings' own
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None  # the chain could quote a value


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    text = str(first["msg"]).removeprefix("Value error, ")
    variable, bar, rest = text.partition("|")
    if bar:
        return f"{variable} {rest}."
    name = str(first["loc"][0]) if first["loc"] else "settings"
    return f"{_variable(name)} cannot be used: {text[:1].lower()}{text[1:]}."


def _variable(name: str) -> str:
    """The variable of a field, however pydantic calls it in the error."""
    info = Settings.model_fields.get(name)
    alias = info.validation_alias if info else None
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name
