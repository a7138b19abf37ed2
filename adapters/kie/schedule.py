"""When to ask for a task: few calls, little lateness.

Nothing is ready long before the usual time, so the first look comes at half of it. Around the usual time
the steps are short (7 % of the time already waited, half of which is what a result is late on average),
later they grow to half a minute: 3.5 % and 12 looks a task, as `lateness` works out. KIE's advice is 2-3 s
in the first half minute, then 5-10 s, after two minutes 15-30 s, and at most 10 looks a second for a key
(market/common/get-task-detail).
"""

from dataclasses import dataclass

from adapters.kie.catalogue import Model

FIRST = 0.5
STEP = 0.07
LATE_STEP = 0.1
MIN_S, MAX_S = 2.5, 30.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Clock seconds between looks. `pace` scales all of them: small for a sandbox that renders in seconds."""

    pace: float = 1.0

    def first_s(self, model: Model) -> float:
        """From `accepted` to the first look."""
        return max(MIN_S, model.expected_s * FIRST) * self.pace

    def next_s(self, model: Model, waited_s: float) -> float:
        """From this look to the next, when the task was created `waited_s` ago."""
        waited = waited_s / self.pace
        usual = model.expected_s
        if waited < usual * FIRST:
            step = min(usual * FIRST - waited, usual * FIRST / 2)
        elif waited < usual * 1.5:
            step = waited * STEP
        elif waited < model.soft_s:
            step = waited * LATE_STEP
        else:
            step = MAX_S
        return min(MAX_S, max(MIN_S, step)) * self.pace
