"""What-if changes as data: `generating.unavailable.retries=2`, `no_product.class=transient`, `paid_tasks=1`.

A change names a stage (or none: every stage that lists the reason), a reason (or `*`), a field of the
strategy row and a value. `class` moves a reason: everything of its row is taken over from the first row
of that class at that stage. The same words may stand in a JSON file, nested or flat.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from engine.codec import decode
from engine.replay.values import ReplayError
from states.strategy import Row, Strategy
from states.vocabulary import AlertKind, ErrorClass, NoticeKind, Reason, Stage

_NUMBERS: Final = ("paid_tasks", "deadline_s", "video_life_s")
_ROW_FIELDS: Final = frozenset(f.name for f in fields(Row)) - {"reason", "stage", "cls"} | {"class"}
_OPTIONAL: Final = frozenset({"retries", "told", "alert", "alert_end"})
_WORDS: Final[Mapping[str, type[ErrorClass] | type[NoticeKind] | type[AlertKind]]] = {
    "class": ErrorClass,
    "ends": NoticeKind,
    "told": NoticeKind,
    "alert": AlertKind,
    "alert_end": AlertKind,
}
_HELP: Final = "write stage.reason.field=value (e.g. generating.unavailable.retries=2) or paid_tasks=1"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `where` is () for the strategy's own numbers, else (stage or "", reason or "*")."""

    where: tuple[str, ...]
    name: str
    value: str | int | float | bool | tuple[float, ...] | None

    def __str__(self) -> str:
        value = ",".join(f"{v:g}" for v in self.value) if isinstance(self.value, tuple) else self.value
        return ".".join((*(w for w in self.where if w), self.name)) + f"={value}"


def parse_changes(words: str) -> tuple[Change, ...]:
    """Changes from the command line: `;` or spaces between them, or the name of a JSON file.

    Raises ReplayError with the mend.
    """
    if words.endswith(".json"):
        return tuple(_from_file(Path(words)))
    found = [_parsed(word) for part in words.split(";") for word in part.split()]
    if not found:
        raise ReplayError(f"No change is named: {_HELP}.")
    return tuple(found)


def changed(strategy: Strategy, changes: tuple[Change, ...]) -> Strategy:
    """The strategy with the changes made, in order. Raises ReplayError for what does not fit."""
    for change in changes:
        strategy = _applied(strategy, change)
    return strategy


def _from_file(path: Path) -> Iterator[Change]:
    try:
        data = decode(path.read_bytes())
    except OSError as error:
        raise ReplayError(f"Cannot read {path}: {error.strerror or error}.") from None
    except ValueError as error:
        raise ReplayError(f"{path} is not JSON ({error}).") from None
    if not isinstance(data, dict) or not data:
        raise ReplayError(f"{path} holds no changes: {_HELP}, as one JSON object.")
    yield from (_change(name, value) for name, value in _flat(data, ()))


def _flat(data: Mapping[str, Any], prefix: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, (*prefix, name))
        else:
            yield ".".join((*prefix, name)), value


def _parsed(word: str) -> Change:
    name, equals, value = word.partition("=")
    if not equals or not value:
        raise ReplayError(f"{word!r} is no change: {_HELP}.")
    return _change(name, value)


def _change(name: str, value: Any) -> Change:
    parts = name.split(".")
    if len(parts) == 1 and parts[0] in _NUMBERS:
        return Change((), parts[0], _number(name, value))
    if len(parts) == 2:
        parts = ["", *parts]
    if len(parts) != 3:
        raise ReplayError(f"{name!r} cannot be changed: {_HELP}.")
    stage, reason, field = parts
    field = {"cls": "class", "delay": "delays_s", "delays": "delays_s", "retry": "retries"}.get(field, field)
    if stage and stage not in set(Stage):
        raise ReplayError(f"{stage!r} is no stage: write generating or sending.")
    if reason != "*" and reason not in set(Reason):
        raise ReplayError(f"{reason!r} is no reason of the strategy table.")
    if field not in _ROW_FIELDS:
        raise ReplayError(f"{field!r} is no field of a strategy row: {', '.join(sorted(_ROW_FIELDS))}.")
    return Change((stage, reason), field, _value(field, value))


def _value(field: str, value: Any) -> Any:
    absent = value is None or str(value).lower() in ("none", "-", "unlimited")
    if absent and field in _OPTIONAL:
        return None
    if field in _WORDS:
        return _member(_WORDS[field], value)
    match field:
        case "delays_s":
            words = value if isinstance(value, list) else str(value).split(",")
            return tuple(_real(field, word) for word in words)
        case "retries" | "told_from":
            return _number(field, value)
        case "jitter":
            return _real(field, value)
        case "parks":
            return str(value).lower() in ("true", "yes", "1")
        case _:
            return str(value)


def _number(name: str, value: Any) -> int:
    number = _real(name, value)
    if number != int(number):
        raise ReplayError(f"{name} is a whole number of 0 or more, not {value!r}.")
    return int(number)


def _real(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < 1e9:
        raise ReplayError(f"{name} is a number of 0 or more, not {value!r}.")
    return number


def _member(kind: type[ErrorClass] | type[NoticeKind] | type[AlertKind], value: Any) -> Any:
    if value not in set(kind):
        raise ReplayError(f"{value!r} is not known; there are {', '.join(kind)}.")
    return kind(value)


def _applied(strategy: Strategy, change: Change) -> Strategy:
    if not change.where:
        return replace(strategy, **{change.name: change.value})  # type: ignore[arg-type]  # names are checked
    stage, reason = change.where
    rows = [row for row in strategy.rows if stage in ("", row.stage) and reason in ("*", row.reason)]
    if not rows:
        raise ReplayError(f"The strategy has no row for {change}.")
    for row in rows:
        strategy = strategy.changed(row.stage, row.reason, **_fields(strategy, row, change))
    return strategy


def _fields(strategy: Strategy, row: Row, change: Change) -> dict[str, object]:
    if change.name != "class":
        return {change.name: change.value}
    for other in strategy.rows:
        if other.stage is row.stage and other.cls == change.value:
            return {f.name: getattr(other, f.name) for f in fields(Row) if f.name not in ("reason", "stage")}
    raise ReplayError(f"No reason of {row.stage} has the class {change.value}: there is no row to take over.")
