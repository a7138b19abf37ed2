import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.faults import ANY, Answer, Cut, Fault, FaultPlan, Server

texts = st.text(max_size=12)
answers = st.builds(
    Answer,
    status=st.integers(200, 599),
    body=st.one_of(texts, st.dictionaries(texts, st.one_of(texts, st.integers(-9, 9), st.none()))),
    headers=st.dictionaries(texts, texts, max_size=2),
)
anything = st.builds(
    Fault,
    server=st.sampled_from(Server),
    method=texts,
    times=st.one_of(st.none(), st.integers(1, 9)),
    after=st.integers(0, 9),
    match=st.dictionaries(texts, texts, max_size=2),
    answer=st.one_of(st.none(), answers),
    delay_s=st.floats(0, 60),
    late=st.booleans(),
    act=st.booleans(),
    close=st.sampled_from(Cut),
    corrupt=st.one_of(st.none(), st.binary(max_size=16)),
    id=texts,
)


@given(anything)
def test_json_round_trip_keeps_every_field(fault: Fault) -> None:
    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


def test_a_plan_survives_json_and_counts_again() -> None:
    plan = FaultPlan([Fault(Server.KIE, "createTask"), Fault(Server.TELEGRAM, "sendVideo", times=None)])
    plan.take(Server.KIE, "createTask")
    again = FaultPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert [fault.id for fault in again.listing()] == ["f1", "f2"]
    assert again.take(Server.KIE, "createTask") is not None


def test_skips_the_first_calls_and_hits_so_many() -> None:
    plan = FaultPlan([Fault(Server.KIE, "upload", times=2, after=1)])
    hits = [plan.take(Server.KIE, "upload") is not None for _ in range(5)]
    assert hits == [False, True, True, False, False]
    assert plan.listing() == ()


def test_only_its_server_method_and_context_are_hit() -> None:
    plan = FaultPlan([Fault(Server.TELEGRAM, ANY, None, match={"chat_id": "7"})])
    assert plan.take(Server.KIE, "upload", {"chat_id": 7}) is None
    assert plan.take(Server.TELEGRAM, "sendVideo", {"chat_id": 8}) is None
    assert plan.take(Server.TELEGRAM, "sendVideo") is None
    assert plan.take(Server.TELEGRAM, "sendVideo", {"chat_id": 7}) is not None


def test_the_oldest_fault_goes_first_and_a_spent_one_makes_room() -> None:
    plan = FaultPlan()
    first = plan.add(Fault(Server.KIE, "upload", delay_s=1))
    second = plan.add(Fault(Server.KIE, "upload", delay_s=2))
    assert plan.take(Server.KIE, "upload") == first
    assert plan.take(Server.KIE, "upload") == second


def test_remove_clear_and_replace() -> None:
    plan = FaultPlan()
    kie = plan.add(Fault(Server.KIE, "upload"))
    plan.add(Fault(Server.TELEGRAM, "sendVideo"))
    assert plan.remove(kie.id)
    assert not plan.remove(kie.id)
    plan.add(Fault(Server.KIE, "upload", id="mine"))
    plan.add(Fault(Server.KIE, "recordInfo", id="mine"))
    assert [fault.method for fault in plan.listing()] == ["sendVideo", "recordInfo"]
    plan.clear(Server.KIE)
    assert [fault.method for fault in plan.listing()] == ["sendVideo"]
    plan.clear()
    assert plan.listing() == ()


@pytest.mark.parametrize(
    ("fault", "acts"),
    [
        (Fault(Server.KIE, "x"), True),
        (Fault(Server.KIE, "x", delay_s=1), True),
        (Fault(Server.KIE, "x", answer=Answer(500)), False),
        (Fault(Server.KIE, "x", answer=Answer(500), act=True), True),
        (Fault(Server.KIE, "x", close=Cut.AFTER), False),
        (Fault(Server.KIE, "x", close=Cut.AFTER, act=True), True),
        (Fault(Server.KIE, "x", close=Cut.MID), True),
    ],
)
def test_whether_the_call_is_carried_out(fault: Fault, acts: bool) -> None:
    assert fault.acts is acts


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"method": "x"}, "server"),
        ({"server": "kie", "method": "x", "colour": 1}, "no field colour"),
        ({"server": "moon", "method": "x"}, "moon"),
        ({"server": "kie", "method": "x", "corrupt": "?"}, "not a fault"),
        ({"server": "kie", "method": "x", "answer": {"shape": 1}}, "not a fault"),
    ],
)
def test_a_wrong_fault_is_refused_with_a_sentence(raw: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Fault.from_json(raw)
