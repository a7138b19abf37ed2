"""What differs between the real world and the sandbox: waiting times, and nothing else."""

from dataclasses import dataclass, field

from adapters.kie.client import Timeouts as KieTimeouts
from adapters.kie.schedule import Schedule
from adapters.telegram.client import Timeouts as TelegramTimeouts
from engine.config import EngineConfig


@dataclass(frozen=True, slots=True)
class Tuning:
    """Timeouts in real seconds, the engine's and the schedule's times in clock seconds."""

    upload: KieTimeouts = field(default_factory=lambda: KieTimeouts(write_s=60, read_s=60, total_s=120))
    create: KieTimeouts = field(default_factory=lambda: KieTimeouts(read_s=60, total_s=90))
    poll: KieTimeouts = field(default_factory=lambda: KieTimeouts(read_s=20, total_s=30))
    download: KieTimeouts = field(default_factory=lambda: KieTimeouts(read_s=30, total_s=300))
    telegram: TelegramTimeouts = field(default_factory=TelegramTimeouts)
    schedule: Schedule = field(default_factory=Schedule)
    watch_s: float = 600.0
    engine: EngineConfig = field(default_factory=EngineConfig)
    stop_grace_s: float = 25.0
