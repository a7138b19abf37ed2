"""I1 and I9 of a whole partition: the books add up to zero, the counters equal a recount."""

from collections import Counter
from collections.abc import Iterator, Mapping

from engine.check.values import Finding, PartRead, Tally
from engine.keys import REVENUE
from states.vocabulary import TERMINALS, State

LIVE = tuple(state for state in State if state not in TERMINALS)


def sum_findings(before: PartRead, after: PartRead, tally: Tally) -> Iterator[Finding]:
    """Judge a partition's sums around a sweep of all its users.

    What one script added up is exact at any time. The sweep's own tally is exact when nothing moved
    meanwhile; otherwise only what can never shrink (revenue, counters) is held against it.
    """
    if after.total:  # neither 0 nor unknown
        what = "the accounts of the partition do not add up to 0"
        yield Finding("I1.sum", what, after.partition, entry="a:*", expected="0", found=str(after.total))
    still = before.contras == after.contras
    if after.total is None and still and tally.total + sum(after.contras.values()):
        found = str(tally.total + sum(after.contras.values()))
        what = "the accounts of the partition do not add up to 0"
        yield Finding("I1.sum", what, after.partition, entry="a:*", expected="0", found=found)
    for name, found_bal in after.contras.items():
        expected, low = tally.contras[name], before.contras[name]
        if found_bal != expected if still else name == REVENUE and not low <= expected <= found_bal:
            what = f"{name} is not what the users' rows say"
            yield _says(after, "I1.contra", what, f"a:{name}", expected, found_bal)
    yield from _counters(before, after, tally)
    if after.ctl.get("partitions") is None or after.ctl.get("schema") is None:
        yield Finding(
            "K.shape", "a partition does not record the store's shape", after.partition, entry="ctl"
        )


def open_questions(before: PartRead, after: PartRead) -> Iterator[str]:
    """What a sweep over a store in use could not prove of this partition."""
    if before.contras != after.contras:
        yield f"partition {after.partition}: credits moved meanwhile, contra accounts were only bounded"
    if after.states is None and before.counters != after.counters:
        yield f"partition {after.partition}: jobs moved meanwhile, live counters were not recounted"


def _counters(before: PartRead, after: PartRead, tally: Tally) -> Iterator[Finding]:
    flow = _standing(after.counters)
    live: Mapping[str, int] | None = after.states
    if live is None and before.counters == after.counters:
        live = tally.states
    if live is not None:
        for state in LIVE:
            if flow[state] != live.get(state, 0):
                what = f"the counters leave {state} with another number of jobs than there are"
                yield _says(after, "I9.states", what, state, live.get(state, 0), flow[state])
    for state in TERMINALS:
        if flow[state] < tally.states[state]:
            what = f"fewer jobs ended as {state} by the counters than are there"
            yield _says(after, "I9.ends", what, state, tally.states[state], flow[state])
    for edge, times in tally.edges.items():
        if after.counters.get(edge, 0) < times:
            what = "an edge was taken more often by the histories than by the counters"
            yield _says(after, "I9.ends", what, edge, times, after.counters.get(edge, 0))


def _standing(counters: Mapping[str, int]) -> Counter[str]:
    flow: Counter[str] = Counter()
    for name, times in counters.items():
        source, _, rest = name.partition("|")
        target = rest.partition("|")[0]
        flow[target] += times
        if source:
            flow[source] -= times
    return flow


def _says(part: PartRead, rule: str, what: str, entry: str, expected: int, found: int) -> Finding:
    return Finding(rule, what, part.partition, entry=entry, expected=str(expected), found=str(found))
