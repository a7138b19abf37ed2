"""What happened inside, as named events with fields. Logging, counters and tests are only subscribers.

Names are `noun.verb`; the fields have one spelling for the whole project: job, user, state, edge,
reason, rule, worker, seq, epoch, ms.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

Field = str | int | float | bool | None
Subscriber = Callable[[str, dict[str, Field]], None]


@dataclass(slots=True)
class Telemetry:
    """A list of subscribers. Emitting is synchronous and must be cheap."""

    subscribers: list[Subscriber] = field(default_factory=list)

    def emit(self, name: str, **fields: Field) -> None:
        """Tell every subscriber."""
        for subscriber in self.subscribers:
            subscriber(name, fields)
