import re

import pytest

from adapters.sandbox.faults import Fault, FaultPlan, Server
from adapters.sandbox.scenarios import SCENARIOS, Deed
from states.classify import classify_kie_error, classify_telegram_error
from states.strategy import STRATEGY
from states.vocabulary import TERMINALS, ErrorClass, Failure, NoticeKind, Reason, Stage, State, Trigger

NAMED = [
    "ok",
    "photo_too_dark",
    "no_product",
    "invalid_image",
    "adult_content",
    "kie_timeout",
    "rate_limited",
    "unavailable",
    "overloaded",
    "provider_error",
    "corrupted_video",
    "send_timeout_delivered",
    "send_timeout_lost",
    "send_failed",
    "user_blocked",
    "provider_balance",
    "model_retired",
    "create_unknown",
    "storage_lost",
    "worker_killed",
]
SAID = [
    (name, fault)
    for name, scenario in SCENARIOS.items()
    for fault in scenario.faults
    if fault.answer is not None and not {"duration_s", "video"} & set(fault.answer.body)
]


def test_the_named_stories_are_there_with_titles_in_both_languages() -> None:
    assert set(NAMED) <= set(SCENARIOS)
    for scenario in SCENARIOS.values():
        assert scenario.title_en.isascii()
        assert re.search("[а-яё]", scenario.title_ru, re.IGNORECASE)


def test_every_reason_of_the_strategy_has_a_story() -> None:
    shown = {scenario.reason for scenario in SCENARIOS.values()}
    rows = {row.reason for row in STRATEGY.rows}
    assert rows - shown <= {Reason.PHOTO_UNREACHABLE}  # KIE's words for it are taken as `network`


def _failure(fault: Fault) -> Failure:
    assert fault.answer is not None
    body = fault.answer.body
    if isinstance(body, str):
        return Failure("kie", "poll", http_status=fault.answer.status, message=body)
    if fault.server is Server.TELEGRAM:
        status = fault.answer.status
        text = str(body["description"])
        return Failure("telegram", "send", fault.method, http_status=status, code=str(status), message=text)
    if fault.method == "render":
        words = str(body["failMsg"])
        code = str(body["failCode"])
        return Failure("kie", "poll", http_status=200, code="200", fail_code=code, fail_message=words)
    step = "create" if fault.method == "createTask" else "poll"
    return Failure("kie", step, http_status=200, code=str(body["code"]), message=str(body["msg"]))


@pytest.mark.parametrize(("name", "fault"), SAID, ids=[f"{n}-{f.method}" for n, f in SAID])
def test_the_classifier_reads_the_story_as_its_reason(name: str, fault: Fault) -> None:
    classify = classify_kie_error if fault.server is Server.KIE else classify_telegram_error
    assert classify(_failure(fault)).reason is SCENARIOS[name].reason


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_ending_is_one_that_the_table_allows(name: str) -> None:
    scenario = SCENARIOS[name]
    expected = scenario.expected
    assert expected.end is None or expected.end in TERMINALS
    assert expected.balance_change == (-1 if expected.end is State.DONE else 0)
    if expected.end is State.REFUNDED and scenario.reason is not None:
        ends = {row.ends for row in STRATEGY.rows if row.reason is scenario.reason}
        assert ends & set(expected.told) or NoticeKind.EXPIRED in expected.told
    assert expected.silent == (expected.end is not None and set(expected.told) <= {NoticeKind.BELL})


def test_a_fault_of_the_photo_is_told_at_once_and_never_retried() -> None:
    user = {row.reason for row in STRATEGY.rows if row.cls is ErrorClass.USER}
    for scenario in SCENARIOS.values():
        if scenario.reason in user and scenario.expected.end is not None:
            assert scenario.expected.failures == 1
            assert scenario.expected.told[0] is NoticeKind.USER_ERROR


def test_passing_trouble_is_silent() -> None:
    silent = {row.reason for row in STRATEGY.rows if row.cls is ErrorClass.TRANSIENT}
    for name in ("kie_timeout", "rate_limited", "unavailable", "network", "send_rate_limited"):
        assert SCENARIOS[name].reason in silent
        assert SCENARIOS[name].expected.silent


def test_acts_come_in_pairs_and_wait_for_something() -> None:
    pairs = {
        Deed.BLOCK_BOT: Deed.RETURN,
        Deed.CUT_STORAGE: Deed.MEND_STORAGE,
        Deed.EMPTY_BALANCE: Deed.TOP_UP,
    }
    for scenario in SCENARIOS.values():
        deeds = {act.deed for act in scenario.acts}
        assert all(after in deeds for before, after in pairs.items() if before in deeds)
        for act in scenario.acts:
            assert (act.reason is not None) <= (act.on is Trigger.ERROR)


def test_every_story_can_be_put_in_force_and_posted() -> None:
    for scenario in SCENARIOS.values():
        plan = FaultPlan(scenario.faults)
        assert len(FaultPlan.from_json(plan.to_json()).listing()) == len(scenario.faults)


def test_the_stages_of_the_stories_cover_both() -> None:
    assert {row.stage for row in STRATEGY.rows} == set(Stage)
    servers = {fault.server for scenario in SCENARIOS.values() for fault in scenario.faults}
    assert servers == set(Server)
