"""Bugs of adapters as failures: an adapter answers with values, and what it raises becomes one."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from engine import logbook
from engine.ports import Failed
from states.facts import Happening
from states.vocabulary import ErrorClass, Failure, Reason, Verdict

T = TypeVar("T")

ADAPTER_BUG: Final = "engine.adapter_bug"
"""The rule by which an exception that escaped an adapter was taken."""
_CLASSES: Final = {
    Reason.CREATE_UNKNOWN: ErrorClass.AMBIGUOUS,
    Reason.SEND_UNKNOWN: ErrorClass.AMBIGUOUS,
}


class TakenAway(Exception):  # noqa: N818 - no error: it ends an adapter's work in the middle
    """The job is no longer ours. Raised into an adapter that wanted a checkpoint."""


def engine_verdict(reason: Reason, rule: str = "") -> Verdict:
    """A verdict of the engine's own."""
    return Verdict(_CLASSES.get(reason, ErrorClass.SYSTEM), reason, rule or f"engine.{reason}")


def bug(error: Exception, doubt: Reason) -> Failed:
    """What an adapter raised, written down and turned into a failure. Its text may hold secrets."""
    logbook.crash("adapter.failed", error)
    return _failure(f"{type(error).__module__}.{type(error).__name__}", doubt, ADAPTER_BUG)


async def guarded(call: Awaitable[T | Failed], doubt: Callable[[], Reason]) -> T | Failed:
    """An adapter's answer. `doubt` names what is in doubt when it raised."""
    try:
        return await call
    except TakenAway:
        return _failure("", Reason.WORKER_LOST)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a system failure
        return bug(error, doubt())


def _failure(exception: str, reason: Reason, rule: str = "") -> Failed:
    return Failed(Failure("engine", "adapter", exception=exception), engine_verdict(reason, rule))


def happening(failed: Failed, task_n: int) -> Happening:
    """A failed call as what happened to its job."""
    return Happening(
        verdict=failed.verdict,
        task_n=task_n,
        task_dead=failed.task_dead,
        alternative=failed.alternative,
        refused=failed.refused,
        cost=failed.cost,
    )


def rest_s(plan: Failed) -> float | None:
    """How long everything rests after others' failures: nobody was called, so no attempt is spent.

    An operator's fault is different: the user is told once that it waits for us.
    """
    return None if plan.verdict.cls is ErrorClass.OPERATOR else plan.verdict.retry_after_s
