"""The Lua verbs as they are sent: one file a verb, arguments bound by name, calls alone or in batches.

A verb file opens with its contract:

    #!lua
    -- What it does, in a line or more.
    -- KEYS: prefix
    -- ARGV: job epoch:int due:int? keep:flag outbox*
    -- Returns: ok seq | refused word
    --@include lib/job.lua

and goes on with a body that sees `T` (the partition's prefix) and every argument as a local. Kinds:
plain (string or bytes), `:int` (a number), `:int?` (nil when None), `:flag` (a boolean), `*` (the rest, a
table; last only). A wrong or missing name fails in Python before anything is sent.

Each body becomes a Lua function `V.<verb>(T, A, O, E)`, so that a single call and a batch of calls to the
same partition run the very same text; its arguments are A[O + 1] to A[E]. Reading the files is
`engine.script_files`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType
from typing import Any, Final, Protocol

from engine.errors import ScriptBroken

SHEBANG: Final = "#!lua"
MAX_BATCH: Final = 64
"""Calls in one batch script: bounds how long the server's one thread is taken."""

HOT: Final = frozenset(
    {
        "submit", "claim", "commit", "park", "note", "beat", "hint", "read", "ring",
        "queue_put", "queue_take", "queue_ack", "permit", "permit_return", "report",
    }
)  # fmt: skip
"""Verbs of a job's everyday life. Most batches hold only these, and a script pays for each function in it."""

Value = str | bytes | int | bool | None | Sequence[str | bytes | int]
Wire = str | bytes | int


class Caller(Protocol):
    """Calls verbs by name (`engine.dispatch.Dispatcher`)."""

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        """The verb's answer. Raises StoreUnavailable."""
        ...


_INTEGERS: Final = ("int", "int?")
_PLAIN: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str, bytes),
    "int": (int,),  # a bool is no number here
    "int?": (int,),
    "flag": (),
    "rest": (),
}
"""Types that travel as they are."""
_CLASSES: Final[Mapping[str, Any]] = {
    "text": (str, bytes),
    "int": (),
    "int?": NoneType,
    "flag": bool,
    "rest": (list, tuple),
}
"""What else an argument may be."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One named argument of a verb. `kind` is `text`, `int`, `int?`, `flag` or `rest`."""

    name: str
    kind: str

    def check(self, verb: str, value: Value) -> None:
        """Raises ScriptBroken when a value is none of this kind."""
        if not isinstance(value, _CLASSES[self.kind]):
            raise ScriptBroken(f"{verb}: argument {self.name} is {self.kind}, got {type(value).__name__}")

    def binding(self, position: int) -> str:
        """The Lua that makes this argument a local."""
        read = f"A[O + {position}]"
        if self.kind in _INTEGERS:
            read = f"tonumber({read})"
        elif self.kind == "flag":
            read = f"{read} == '1'"
        elif self.kind == "rest":
            copy = f"{self.name}[i] = A[O + {position - 1} + i]"
            return f"local {self.name} = {{}} for i = 1, E - O - {position - 1} do {copy} end"
        return f"local {self.name} = {read}"


@dataclass(frozen=True)
class Verb:
    """One script: its contract, its own body and the shared parts it needs, in loading order."""

    name: str
    purpose: str
    arguments: tuple[Argument, ...]
    returns: str
    flags: str
    body: str
    includes: tuple[tuple[str, str], ...]
    recipes: dict[tuple[type, ...], tuple[tuple[int, str], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Combinations of types that were found right once: which positions do not travel as they are."""

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Names of the arguments."""
        return tuple(argument.name for argument in self.arguments)

    @cached_property
    def names(self) -> frozenset[str]:
        """The same, to be compared with."""
        return frozenset(self.order)

    def encode(self, given: Mapping[str, Value]) -> list[Wire]:
        """Positions from names; ScriptBroken names what is missing, unknown or of the wrong kind."""
        if given.keys() != self.names:
            missing, extra = sorted(self.names - given.keys()), sorted(given.keys() - self.names)
            raise ScriptBroken(f"{self.name}: missing {missing}, unknown {extra}")
        values: list[Any] = list(map(given.__getitem__, self.order))
        types = tuple(map(type, values))
        recipe = self.recipes.get(types)
        if recipe is None:
            recipe = self.recipes[types] = tuple(self._recipe(values))
        for position, kind in recipe:
            value = values[position]
            if kind == "rest":
                values[position:] = value
            else:
                values[position] = "" if value is None else "1" if value else "0"
        return values

    def _recipe(self, values: Sequence[Value]) -> Iterator[tuple[int, str]]:
        for position, (argument, value) in enumerate(zip(self.arguments, values, strict=True)):
            if type(value) not in _PLAIN[argument.kind]:
                argument.check(self.name, value)
                if argument.kind != "text":  # a word of an enum is a text as it stands
                    yield position, argument.kind

    def function(self) -> str:
        """The verb as an entry of the Lua table V."""
        bindings = "\n".join(a.binding(i) for i, a in enumerate(self.arguments, 1))
        return f"V.{self.name} = function(T, A, O, E)\n{bindings}\n{self.body}\nend"


@dataclass(frozen=True, slots=True)
class Library:
    """All verbs of a folder, and the texts that are sent to the server."""

    verbs: Mapping[str, Verb]

    def encode(self, verb: str, given: Mapping[str, Value]) -> list[Wire]:
        """The wire arguments of a call."""
        if verb not in self.verbs:
            raise ScriptBroken(f"no verb {verb!r}; there are {sorted(self.verbs)}")
        return self.verbs[verb].encode(given)

    def single(self, verb: str) -> str:
        """The script of one verb."""
        found = self.verbs[verb]
        return _compose([found], _SINGLE.format(verb=verb), found.flags)

    def batch(self) -> str:
        """The script that runs several calls: ARGV is (verb, count, argument...) again and again.

        A call that raises (a bug) answers {'!', message} and does not take the others with it.
        """
        return _compose(list(self.verbs.values()), _BATCH, "")

    def hot_batch(self) -> str:
        """`batch` for the verbs in HOT alone."""
        return _compose([verb for name, verb in self.verbs.items() if name in HOT], _BATCH, "")


_SINGLE = """
local answer = V.{verb}(KEYS[1], ARGV, 0, #ARGV)
FINISH()
return answer
"""

_BATCH = """
local answers, at = {}, 1
while at <= #ARGV do
  local last = at + 1 + tonumber(ARGV[at + 1])
  local fine, answer = pcall(V[ARGV[at]], KEYS[1], ARGV, at + 1, last)
  if not fine then
    if type(answer) == 'table' then answer = answer.err end
    answer = {'!', tostring(answer)}
  end
  answers[#answers + 1] = answer
  at = last + 1
end
FINISH()
return answers
"""


_NOTHING_LEFT = "local FINISH = function() end"
"""What is done after the last call; `lib/once.lua` says more."""


def _compose(verbs: Sequence[Verb], tail: str, flags: str) -> str:
    shared: dict[str, str] = {}
    for verb in verbs:
        shared.update(verb.includes)
    head = f"{SHEBANG} flags={flags}" if flags else SHEBANG
    return "\n".join(
        [head, _NOTHING_LEFT, *shared.values(), "local V = {}", *(v.function() for v in verbs), tail]
    )
