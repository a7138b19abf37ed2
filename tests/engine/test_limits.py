"""Limits shared by all workers, on a real server and a manual clock."""

import asyncio
from dataclasses import replace

import pytest

from engine.clock import ManualClock
from engine.config import LimitsConfig
from engine.dispatch import Dispatcher
from engine.limits import Limits, NotNow, Permit, Showed, Why, showed
from engine.randomness import SeededRandomness
from states.vocabulary import ErrorClass, Reason

ROOMY = LimitsConfig(creates=1000, renders_per_key=1000, renders_per_user=1000)


@pytest.fixture
def limits(dispatcher: Dispatcher, clock: ManualClock, randomness: SeededRandomness) -> Limits:
    return Limits(dispatcher, clock, randomness, ROOMY)


async def ask(
    limits: Limits, holder: str = "job:1", *, key: str = "main", user: int = 1, retry: bool = False
) -> Permit | NotNow:
    return await limits.start_permit("kie", key, model="kling", holder=holder, user_id=user, retry=retry)


async def report(
    limits: Limits, reason: Reason | None = None, *, after_s: float | None = None, key: str = "main"
) -> int:
    return await limits.report("kie", key, "kling", reason is None, reason, after_s)


async def test_creates_never_pass_the_rate_in_any_window(limits: Limits, clock: ManualClock) -> None:
    tight = replace(limits, config=replace(ROOMY, creates=20, creates_per_s=10))
    passed: list[int] = []
    for number in range(400):
        answer = await ask(tight, f"job:{number}")
        if isinstance(answer, Permit):
            passed.append(clock.now_ms())
        else:
            assert answer.why is Why.RATE
            assert answer.retry_at_ms > clock.now_ms()
        clock.advance(0.1)
    assert len(passed) == 80  # 40 s at the full rate
    assert all(later - earlier >= 10_000 for earlier, later in zip(passed, passed[20:], strict=False))


async def test_a_refused_start_says_when_and_is_right(limits: Limits, clock: ManualClock) -> None:
    tight = replace(limits, config=replace(ROOMY, creates=2, creates_per_s=10))
    assert isinstance(await ask(tight, "a"), Permit)
    clock.advance(3)
    assert isinstance(await ask(tight, "b"), Permit)
    answer = await ask(tight, "c")
    assert answer == NotNow(clock.now_ms() + 7000, Why.RATE)
    clock.advance(7)
    assert isinstance(await ask(tight, "c"), Permit)


async def test_many_workers_share_one_rate(limits: Limits) -> None:
    tight = replace(limits, config=replace(ROOMY, creates=20))
    answers = await asyncio.gather(*(ask(tight, f"job:{n}") for n in range(50)))
    assert sum(isinstance(answer, Permit) for answer in answers) == 20


async def test_slots_of_a_key_are_given_back_or_run_out(limits: Limits, clock: ManualClock) -> None:
    small = replace(limits, config=replace(ROOMY, renders_per_key=2, render_lease_s=600))
    first = await ask(small, "a", user=1)
    assert isinstance(first, Permit)
    assert isinstance(await ask(small, "b", user=2), Permit)
    answer = await ask(small, "c", user=3)
    assert isinstance(answer, NotNow)
    assert answer.why is Why.SLOTS
    assert 3000 <= answer.retry_at_ms - clock.now_ms() <= 7000
    assert isinstance(await ask(small, "c", key="second", user=3), Permit)
    assert await small.release(first) is True
    assert await small.release(first) is False
    assert isinstance(await ask(small, "d", user=4), Permit)
    clock.advance(600)
    assert isinstance(await ask(small, "e", user=5), Permit)


async def test_a_holder_has_one_slot(limits: Limits) -> None:
    small = replace(limits, config=replace(ROOMY, renders_per_key=1))
    for _ in range(3):
        assert isinstance(await ask(small, "a"), Permit)
    (key,) = (await small.health("kie")).keys
    assert key.running == 1


async def test_one_user_cannot_take_every_slot(limits: Limits) -> None:
    small = replace(limits, config=replace(ROOMY, renders_per_user=2))
    assert isinstance(await ask(small, "a", key="one"), Permit)
    assert isinstance(await ask(small, "b", key="two"), Permit)
    answer = await ask(small, "c")
    assert isinstance(answer, NotNow)
    assert answer.why is Why.USER
    assert isinstance(await ask(small, "d", user=2), Permit)


async def test_one_429_closes_the_provider_for_everybody(limits: Limits, clock: ManualClock) -> None:
    till = await report(limits, Reason.RATE_LIMITED, after_s=7)
    assert till == clock.now_ms() + 7000
    for key in ("main", "second"):
        assert await ask(limits, key=key) == NotNow(till, Why.CLOSED)
    assert await limits.opens_ms("kie", ["main", "second"]) == till
    assert isinstance(await limits.start_permit("other", "main", model="m", holder="x", user_id=1), Permit)
    clock.advance(6.999)
    assert isinstance(await ask(limits), NotNow)
    clock.advance(0.001)
    assert isinstance(await ask(limits), Permit)
    assert await limits.opens_ms("kie", ["main"]) is None


async def test_429s_without_a_time_close_for_longer_each_time(limits: Limits, clock: ManualClock) -> None:
    pauses = []
    for _ in range(7):
        till = await report(limits, Reason.RATE_LIMITED)
        assert await report(limits, Reason.RATE_LIMITED) >= till  # the same burst
        pauses.append((till - clock.now_ms()) // 1000)
        clock.set(till + 60_000)
    assert pauses == [10, 20, 40, 80, 160, 300, 300]
    await report(limits)
    assert await report(limits, Reason.RATE_LIMITED) == clock.now_ms() + 10_000


async def test_a_shorter_retry_after_does_not_reopen(limits: Limits) -> None:
    long = await report(limits, Reason.RATE_LIMITED, after_s=60)
    assert await report(limits, Reason.RATE_LIMITED, after_s=1) == long


async def test_the_breaker_opens_probes_once_and_closes(limits: Limits, clock: ManualClock) -> None:
    for _ in range(4):
        assert await report(limits, Reason.UNAVAILABLE) == 0
    till = await report(limits, Reason.OVERLOADED)
    assert till == clock.now_ms() + 30_000
    assert await ask(limits) == NotNow(till, Why.BREAKER)
    assert isinstance(await limits.start_permit("kie", "main", model="veo", holder="x", user_id=1), Permit)
    clock.set(till)
    assert isinstance(await ask(limits, "probe"), Permit)
    answer = await ask(limits, "second")
    assert answer == NotNow(clock.now_ms() + 60_000, Why.BREAKER)
    await report(limits)
    assert isinstance(await ask(limits, "second"), Permit)


async def test_a_failed_probe_opens_it_for_longer(limits: Limits, clock: ManualClock) -> None:
    for _ in range(5):
        till = await report(limits, Reason.UNAVAILABLE)
    pauses = []
    for _ in range(6):
        clock.set(till)
        assert isinstance(await ask(limits, "probe"), Permit)
        till = await report(limits, Reason.UNAVAILABLE)
        pauses.append((till - clock.now_ms()) // 1000)
    assert pauses == [60, 120, 240, 480, 600, 600]


async def test_a_probe_that_never_answers_is_followed_by_another(limits: Limits, clock: ManualClock) -> None:
    for _ in range(5):
        till = await report(limits, Reason.UNAVAILABLE)
    clock.set(till)
    assert isinstance(await ask(limits, "probe"), Permit)
    clock.advance(60)
    assert isinstance(await ask(limits, "next"), Permit)


async def test_failures_far_apart_or_in_between_successes_open_nothing(
    limits: Limits, clock: ManualClock
) -> None:
    for _ in range(10):
        assert await report(limits, Reason.UNAVAILABLE) == 0
        clock.advance(61)
    for _ in range(10):
        for _ in range(4):
            assert await report(limits, Reason.UNAVAILABLE) == 0
        await limits.report("kie", "main", "kling", False, Reason.ADULT_CONTENT, None, ErrorClass.USER)
    assert isinstance(await ask(limits), Permit)


async def test_a_key_without_balance_rests_and_is_probed(limits: Limits, clock: ManualClock) -> None:
    till = await report(limits, Reason.PROVIDER_BALANCE)
    assert await ask(limits) == NotNow(till, Why.KEY_OFF)
    assert isinstance(await ask(limits, key="second"), Permit)
    assert await limits.opens_ms("kie", ["main"]) == till
    assert await limits.opens_ms("kie", ["main", "second"]) is None
    (main, second) = (await limits.health("kie")).keys
    assert (main.off, main.off_until_ms, second.off) == ("provider_balance", till, "")
    clock.set(till)
    assert isinstance(await ask(limits, "probe"), Permit)
    assert isinstance(await ask(limits, "second try"), NotNow)
    assert await report(limits, Reason.PROVIDER_AUTH) == clock.now_ms() + 600_000
    clock.advance(600)
    assert isinstance(await ask(limits, "probe"), Permit)
    await report(limits)
    assert isinstance(await ask(limits, "after"), Permit)


async def test_an_empty_retry_budget_defers_retries_only(limits: Limits, clock: ManualClock) -> None:
    for number in range(10):
        assert isinstance(await ask(limits, f"r{number}", retry=True), Permit)
    answer = await ask(limits, "r", retry=True)
    assert answer == NotNow(clock.now_ms() + 10_000, Why.BUDGET)
    assert isinstance(await ask(limits, "first"), Permit)
    for _ in range(10):
        await report(limits)
    assert isinstance(await ask(limits, "r", retry=True), Permit)
    assert isinstance(await ask(limits, "r2", retry=True), NotNow)
    clock.advance(10)
    assert isinstance(await ask(limits, "r2", retry=True), Permit)


async def test_the_health_report(limits: Limits, clock: ManualClock) -> None:
    empty = await limits.health("kie")
    assert (empty.keys, empty.breakers, empty.retry_tokens) == ((), (), 10.0)
    await ask(limits)
    for _ in range(5):
        await report(limits, Reason.UNAVAILABLE)
    till = await report(limits, Reason.RATE_LIMITED, after_s=5)
    found = await limits.health("kie")
    assert (found.closed_until_ms, found.why) == (till, "rate_limited")
    (breaker,) = found.breakers
    assert (breaker.model, breaker.failures, breaker.open_until_ms) == ("kling", 5, clock.now_ms() + 30_000)
    (key,) = found.keys
    assert (key.key, key.running) == ("main", 1)


async def test_a_resent_call_counts_once(dispatcher: Dispatcher, limits: Limits) -> None:
    sent = []

    class Twice:
        async def call(self, prefix: str, verb: str, /, **given: object) -> object:
            sent.append(verb)
            await dispatcher.call(prefix, verb, **given)  # type: ignore[arg-type]
            return await dispatcher.call(prefix, verb, **given)  # type: ignore[arg-type]

    doubled = replace(limits, calls=Twice(), config=replace(ROOMY, creates=3))
    for holder in ("a", "b", "c"):
        assert isinstance(await ask(doubled, holder), Permit)
    assert isinstance(await ask(doubled, "d"), NotNow)
    for _ in range(4):
        assert await report(doubled, Reason.UNAVAILABLE) == 0
    assert await report(doubled, Reason.UNAVAILABLE) > 0
    assert len(sent) == 9


def test_what_an_outcome_shows_of_the_provider() -> None:
    assert showed(True, None) is Showed.OK
    assert showed(False, Reason.NO_PRODUCT, ErrorClass.USER) is Showed.ALIVE
    assert showed(False, Reason.RATE_LIMITED, ErrorClass.TRANSIENT) is Showed.RATE
    assert showed(False, Reason.PROVIDER_ERROR, ErrorClass.SYSTEM) is Showed.UNCLEAR
    assert showed(False, None) is Showed.UNCLEAR


async def test_an_unclear_probe_lets_the_next_one_through(limits: Limits, clock: ManualClock) -> None:
    for _ in range(5):
        till = await report(limits, Reason.UNAVAILABLE)
    clock.set(till)
    assert isinstance(await ask(limits, "probe"), Permit)
    await report(limits, Reason.UNKNOWN)
    assert isinstance(await ask(limits, "next"), Permit)
