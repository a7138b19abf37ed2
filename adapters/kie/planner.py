"""Which model and which key the next create call uses."""

from collections.abc import Iterator

from adapters.kie.catalogue import Catalogue
from adapters.kie.keys import KeyHealth, KeyRing
from engine.ports import Clock, CreatePlan, Failed
from states.job import Job
from states.vocabulary import ErrorClass, Failure, Reason, Verdict


class Planner:
    """The requested model first, then the fallbacks; for each the keys in turn.

    `job.refused` (`model|key`, `model|*`, `*|key`) is what this job should rather not try again. When that
    leaves nothing at all, refused pairs are tried once their rest is over: money may have been paid in, and
    a refused create costs nothing. A pair whose breaker is open waits. One that is only called too often
    is planned all the same: the limits that all workers share make it wait, and a limit fails no job.
    """

    def __init__(self, catalogue: Catalogue, keys: KeyRing, health: KeyHealth, clock: Clock) -> None:
        self._catalogue = catalogue
        self._keys = keys
        self._health = health
        self._clock = clock

    def plan(self, job: Job) -> CreatePlan | Failed:
        """The next create call, or why there is none now."""
        pairs = list(self._pairs(job, self._keys.turn()))
        fresh = [pair for pair in pairs if not is_refused(job.refused, pair.model, pair.key)]
        for pair in fresh or pairs:
            if self._health.rest(pair.model, pair.key) is None:
                self._health.trying(pair.model, pair.key)
                return pair
        return self._limited(fresh or pairs) or self._nothing(fresh or pairs)

    def another(self, job: Job) -> bool:
        """Whether a pair is left that this job was not refused and that may be tried now."""
        return any(
            not is_refused(job.refused, pair.model, pair.key)
            and self._health.rest(pair.model, pair.key) is None
            for pair in self._pairs(job, self._keys.all())
        )

    def _pairs(self, job: Job, keys: tuple[str, ...]) -> Iterator[CreatePlan]:
        for model in self._catalogue.order(job.request.model, self._clock.now_ms()):
            for key in keys:
                yield CreatePlan(model.id, key)

    def _limited(self, pairs: list[CreatePlan]) -> CreatePlan | None:
        """The pair that may be called first again, if only the frequency of calls is in its way."""
        rests = [(rest, pair) for pair in pairs if (rest := self._health.rest(pair.model, pair.key))]
        limited = [(r.seconds, pair) for r, pair in rests if r.verdict.reason is Reason.RATE_LIMITED]
        return min(limited, key=lambda found: found[0])[1] if limited else None

    def _nothing(self, pairs: list[CreatePlan]) -> Failed:
        """Everything rests: the shortest rest is the answer, and the operator's matter only when all are."""
        rests = [rest for pair in pairs if (rest := self._health.rest(pair.model, pair.key))]
        passing = [rest for rest in rests if rest.verdict.cls is not ErrorClass.OPERATOR]
        soonest = min(passing or rests, key=lambda rest: rest.seconds, default=None)
        if soonest is None:
            verdict = Verdict(ErrorClass.OPERATOR, Reason.MODEL_RETIRED, "kie.no_model")
            text = "no model of the catalogue is alive"
        else:
            cause = soonest.verdict
            # the operator hears of an incident once: its rest is the same incident, so it keeps its rule
            rule = cause.rule if cause.cls is ErrorClass.OPERATOR else "kie.resting"
            verdict = Verdict(cause.cls, cause.reason, rule, soonest.seconds)
            text = f"every model and key rests after failures, the last was {cause.rule}"
        failure = Failure(source="engine", step="create", message=text, may_have_arrived=False)
        return Failed(failure, verdict)


def is_refused(refused: tuple[str, ...], model: str, key: str) -> bool:
    """Whether a job's refusals cover this pair."""
    return not {f"{model}|{key}", f"{model}|*", f"*|{key}"}.isdisjoint(refused)
