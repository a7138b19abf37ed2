"""The engine's numbers, with their defaults. What is wrong is refused where it is built, in one sentence."""

from dataclasses import dataclass, field, fields

from engine.durability import Durability
from engine.keys import MAX_PARTITIONS

DAY_S = 86_400


class ConfigError(ValueError):
    """A number that cannot work; the text names it and the mend."""


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """How hard one provider may be used by all workers together."""

    creates: int = 20
    """Create calls per `creates_per_s` and key. KIE: 20 per 10 s, beyond it 429 and the call is lost."""
    creates_per_s: float = 10.0
    renders_per_key: int = 50
    """Renders at once on one key. KIE allows about 100 running tasks; half is left to others."""
    renders_per_user: int = 3
    """Renders at once for one user, so that nobody fills the provider."""
    render_lease_s: float = 1800.0
    """A slot nobody gave back frees itself after this; longer than any model's hard limit."""
    closed_s: float = 10.0
    """How long a 429 without Retry-After closes the provider. Doubles while they follow each other."""
    closed_max_s: float = 300.0
    breaker_failures: int = 5
    """Unavailable or overloaded answers in a row, within the window, that open a key and model's breaker."""
    breaker_window_s: float = 60.0
    breaker_open_s: float = 30.0
    """First pause before one probe is let through; doubles with each failed probe."""
    breaker_open_max_s: float = 600.0
    probe_s: float = 60.0
    """How long a probe may stay unanswered before another is let through."""
    key_off_s: float = 300.0
    """How long a key without rights or balance rests before one probe; doubles up to `key_off_max_s`."""
    key_off_max_s: float = 3600.0
    retry_tokens: float = 10.0
    """Size of the retry budget. A retry takes one; an empty budget defers the retry, it never fails a job."""
    retry_earned: float = 0.1
    """What each success gives back (AWS's retry token bucket)."""
    retry_refill_s: float = 10.0
    """Without any success one token comes back in this time, so that a quiet provider is tried again."""

    def __post_init__(self) -> None:
        """Everything here is a count or a time."""
        _above_zero(self)


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """How often the operator hears of one and the same incident."""

    repeat_s: float = 900.0
    """First pause before an open incident is told again with its new count; doubles each time."""
    repeat_max_s: float = 6 * 3600.0
    quiet_s: float = 1800.0
    """An incident that was not seen for so long is resolved by itself."""
    sample_jobs: int = 5
    """How many job ids an alert names."""
    open_max: int = 500
    """Open incidents at most; beyond it the one seen longest ago is forgotten."""

    def __post_init__(self) -> None:
        """Everything here is a count or a time."""
        _above_zero(self)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How the engine runs. Times in seconds or ms as their names say; clock time, not real seconds.

    What concerns one job's policy (retries, the 60 minutes of its deadline, the 24 hours of an
    undelivered video) belongs to `states.strategy.Strategy`: it is recorded with each transition.
    """

    partitions: int = 1
    """1 for one machine, 16 for a cluster. Fixed when the store is created."""
    durability: Durability = Durability.FAST
    """What an acknowledged write has survived (`engine.durability`)."""
    lease_ms: int = 15_000
    """A worker that is silent for so long has lost its jobs."""
    inbox_lease_ms: int = 60_000
    """A bot process that is silent for so long has lost the updates it was handling."""
    outbox_lease_ms: int = 60_000
    retention_s: int = 7 * DAY_S
    """How long an ended job, its history and its video's file id are kept."""
    feed_s: int = DAY_S
    """How far back the event feed reaches."""
    update_memory_s: int = 2 * DAY_S
    """How long an update id is known. Telegram keeps and repeats updates for 24 hours."""
    idem_s: int = 3 * DAY_S
    """How long a launch button stays a one-use button."""
    max_live_jobs: int = 5
    """Jobs of one user that have not ended."""
    trial_credits: int = 2
    """What a newcomer is given once; 0 = nothing. Booked by `grant` with the external id `trial`."""
    facts_s: int = 30 * DAY_S
    """How long a remembered fact without a time of its own is kept after it was written."""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        _above_zero(self, but=("trial_credits",))
        if self.trial_credits < 0:
            raise ConfigError("trial_credits is negative: use 0 for none.")
        if self.partitions > MAX_PARTITIONS:
            raise ConfigError(f"partitions is {self.partitions}: a store has 1 to {MAX_PARTITIONS}.")
        if self.lease_ms < 1000:
            raise ConfigError(f"lease_ms is {self.lease_ms}: below 1000 a short stall would lose every job.")
        if self.update_memory_s < DAY_S:
            raise ConfigError("update_memory_s is below a day: Telegram repeats updates for 24 hours.")


def _above_zero(config: object, but: tuple[str, ...] = ()) -> None:
    for each in fields(config):  # type: ignore[arg-type]  # always called with a dataclass
        value = getattr(config, each.name)
        if isinstance(value, int | float) and value <= 0 and each.name not in but:
            raise ConfigError(f"{each.name} is {value}: it must be above zero.")
