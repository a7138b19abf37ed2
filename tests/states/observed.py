"""The labelled observations of tests/data, read once, and the two classifiers over them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from states.classify import classify_kie_error, classify_telegram_error
from states.observations import kie_failure, telegram_failure
from states.vocabulary import Failure, Verdict

DATA = Path(__file__).parent.parent / "data"
NAMES = ("kie", "kie_more", "kie_fresh", "telegram", "telegram_more", "telegram_fresh")


@dataclass(frozen=True, slots=True)
class Observed:
    row: Mapping[str, Any]
    failure: Failure
    verdict: Verdict

    @property
    def fine(self) -> bool:
        accepted = self.row.get("accept") or [self.row["expected"]]
        return str(self.verdict.label) in accepted


_READ: dict[str, tuple[Callable[[Mapping[str, object]], Failure], Callable[[Failure], Verdict]]] = {
    "kie": (kie_failure, classify_kie_error),
    "telegram": (telegram_failure, classify_telegram_error),
}


@cache
def observed(name: str) -> tuple[Observed, ...]:
    """The lines of tests/data/NAME_errors.jsonl (see `NAMES`)."""
    read, judge = _READ[name.split("_", maxsplit=1)[0]]
    rows = [json.loads(line) for line in (DATA / f"{name}_errors.jsonl").read_text("utf-8").splitlines()]
    return tuple(Observed(row, failure, judge(failure)) for row in rows for failure in [read(row)])


def wrong(name: str) -> list[str]:
    """What the classifier gets wrong in a file, for a readable assertion."""
    return [
        f"{item.row['id']}: {item.verdict.label} by {item.verdict.rule}"
        for item in observed(name)
        if not item.fine
    ]
