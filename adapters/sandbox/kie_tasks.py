"""What the sandbox's provider knows: accounts, uploads, tasks and their fate. Time is the clock's alone.

A task moves by itself: its state is worked out from its age, so a fast clock makes it fast and nothing polls.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from adapters.sandbox.faults import Fault
from adapters.sandbox.kie_models import PAUSED, SPECS, UNSUPPORTED, Spec
from engine.ports import Clock, Randomness

KEY_TEXT = "Unauthorized – Authentication failed. Please check your API key."
BALANCE_TEXT = "Credits insufficient : Your current balance isn’t enough"
RATE_TEXT = "Your call frequency is too high. Please try again later."
UPLOAD_LIFE_MS = 24 * 3600 * 1000
RATE_LIMIT, RATE_WINDOW_MS = 20, 10_000


class Refused(Exception):  # noqa: N818 - an answer, said by raising
    """KIE's way to say no: a code in the body of an HTTP 200."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(f"{code} {msg}")
        self.code, self.msg = code, msg


class TaskState(StrEnum):
    """KIE's own words, in order."""

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"


class Outcome(StrEnum):
    """What lies at the result's address."""

    GOOD = "good"
    CORRUPTED = "corrupted"
    """A file whose index is garbage."""
    NONE = "none"
    """A success without any address: `resultJson` is `{}`."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How a task ends. From a fault on `render`: the keys of its answer's body are these names.

    `failCode`/`failMsg`: it fails with them. `duration_s`: it takes that long (clock seconds).
    `state`: it says this word for ever. `video`: an `Outcome`. `billed_failure`: a failure that costs.
    """

    fail_code: str | None = None
    fail_msg: str = ""
    duration_s: float | None = None
    state: str = ""
    video: Outcome = Outcome.GOOD
    billed_failure: bool = False

    @classmethod
    def of(cls, fault: Fault | None) -> Self:
        """The fate a fault on `render` asks for; success when there is none."""
        body = fault.answer.body if fault is not None and fault.answer is not None else {}
        if isinstance(body, str):
            return cls(fail_code="", fail_msg=body)
        duration = body.get("duration_s")
        return cls(
            fail_code=str(body["failCode"] or "") if "failCode" in body else None,
            fail_msg=str(body.get("failMsg", "")),
            duration_s=None if duration is None else float(duration),
            state=str(body.get("state", "")),
            video=Outcome(body.get("video", "good")),
            billed_failure=bool(body.get("billed_failure", False)),
        )

    @property
    def fails(self) -> bool:
        """Whether it ends as `fail`."""
        return self.fail_code is not None


@dataclass(slots=True)
class Account:
    """One API key: `name` is for pages, the key itself is never shown."""

    name: str
    balance: float
    created_ms: list[int] = field(default_factory=list)
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """An uploaded file."""

    data: bytes
    mime: str
    since_ms: int


@dataclass(slots=True)
class Task:
    """One task. `body` is the create call as it came; `cost` was taken at once, a failure gives it back."""

    id: str
    spec: Spec
    body: Mapping[str, Any]
    account: Account
    created_ms: int
    duration_ms: int
    fate: Fate
    cost: float
    settled: bool = False

    @property
    def fields(self) -> Mapping[str, Any]:
        """The model's input: nested for market models, flat for Veo."""
        inner = self.body if self.spec.veo else self.body.get("input")
        return inner if isinstance(inner, Mapping) else {}

    @property
    def ends_ms(self) -> int:
        """When it ends."""
        return self.created_ms + self.duration_ms

    def state(self, now_ms: int) -> str:
        """Its word for its state at this moment."""
        if self.fate.state:
            return self.fate.state
        share = (now_ms - self.created_ms) / max(1, self.duration_ms)
        if share >= 1:
            return TaskState.FAIL if self.fate.fails else TaskState.SUCCESS
        steps = ((0.1, TaskState.WAITING), (0.2, TaskState.QUEUING))
        return next((word for until, word in steps if share < until), TaskState.GENERATING)

    def over(self, now_ms: int) -> bool:
        """Whether it has ended."""
        return self.state(now_ms) in {TaskState.SUCCESS, TaskState.FAIL}

    @property
    def final_cost(self) -> float:
        """What it costs in the end: a failure is not charged (as a rule)."""
        return 0.0 if self.fate.fails and not self.fate.billed_failure else self.cost


class KieState:
    """Everything the provider knows. `creates` counts create calls, refused ones too."""

    def __init__(self, clock: Clock, randomness: Randomness, keys: Mapping[str, float]) -> None:
        self.clock = clock
        self._randomness = randomness
        self._accounts = {
            key: Account(f"account-{n}", balance) for n, (key, balance) in enumerate(keys.items(), 1)
        }
        self.tasks: dict[str, Task] = {}
        self.files: dict[str, Stored] = {}
        self.retired: set[str] = {spec.id for spec in SPECS.values() if spec.paused}
        self.creates = 0

    # --- levers for the runner ------------------------------------------------------------------

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts, without their keys."""
        return tuple(self._accounts.values())

    def set_balance(self, balance: float) -> None:
        """Empty or top up every account."""
        for account in self._accounts.values():
            account.balance = balance

    def block_keys(self, *, blocked: bool) -> None:
        """Refuse every key, or take them again."""
        for account in self._accounts.values():
            account.blocked = blocked

    def retire(self, model: str) -> None:
        """The provider pauses a model."""
        self.retired.add(model)

    def restore(self, model: str) -> None:
        """The model is offered again."""
        self.retired.discard(model)

    @property
    def accepted(self) -> int:
        """Tasks taken."""
        return len(self.tasks)

    @property
    def billed(self) -> float:
        """Credits spent on tasks that ended (failures are given back)."""
        now = self.clock.now_ms()
        return sum(task.final_cost for task in self.tasks.values() if task.over(now))

    # --- calls ----------------------------------------------------------------------------------

    def account(self, key: str) -> Account:
        """The account of a key. Raises `Refused` 401."""
        account = self._accounts.get(key)
        if account is None or account.blocked:
            raise Refused(401, KEY_TEXT)
        return account

    def check(self, account: Account, spec: Spec | None, body: Mapping[str, Any], *, veo: bool) -> Spec:
        """Whether a create call is taken, in KIE's order: rate, model, fields, balance. Raises `Refused`."""
        self._rate(account)
        if spec is None or spec.veo != veo:
            raise Refused(*UNSUPPORTED)
        if spec.id in self.retired:
            raise Refused(*PAUSED)
        fields = body if veo else body.get("input")
        if not isinstance(fields, Mapping):
            raise Refused(500, "This field is required")
        if why := spec.refuses(fields):
            raise Refused(*why)
        self.settle()
        if account.balance < spec.price(fields):
            raise Refused(402, BALANCE_TEXT)
        return spec

    def create(self, account: Account, spec: Spec, body: Mapping[str, Any], fate: Fate) -> Task:
        """Take a task and its price."""
        spread = 0.85 + 0.3 * self._randomness.random()
        duration_s = spec.render_s * spread if fate.duration_s is None else fate.duration_s
        task_id = hashlib.sha256(self._randomness.token().encode()).hexdigest()[:32]
        task = Task(task_id, spec, body, account, self.clock.now_ms(), round(duration_s * 1000), fate, 0.0)
        task.cost = spec.price(task.fields)
        account.balance -= task.cost
        self.tasks[task_id] = task
        return task

    def settle(self) -> None:
        """Give back what failed tasks cost."""
        now = self.clock.now_ms()
        for task in self.tasks.values():
            if not task.settled and task.over(now):
                task.settled = True
                task.account.balance += task.cost - task.final_cost

    def store(self, path: str, data: bytes, mime: str) -> None:
        """Keep an upload under its path; the same path is overwritten."""
        self.files[path] = Stored(data, mime, self.clock.now_ms())

    def stored(self, path: str) -> Stored | None:
        """An upload younger than a day."""
        found = self.files.get(path)
        fresh = found is not None and self.clock.now_ms() - found.since_ms < UPLOAD_LIFE_MS
        return found if fresh else None

    def _rate(self, account: Account) -> None:
        now = self.clock.now_ms()
        account.created_ms = [ms for ms in account.created_ms if now - ms < RATE_WINDOW_MS]
        if len(account.created_ms) >= RATE_LIMIT:
            raise Refused(429, RATE_TEXT)
        account.created_ms.append(now)
