from engine.simulation.fate import Fate

ODDS = {"lost": 0.3, "late": 0.2}


def drawn(fate: Fate, places: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in places:
        found.setdefault(place, []).append(fate.draw("store", place, ODDS))
    return found


def test_fate_depends_on_names_and_not_on_the_order() -> None:
    places = ["a", "b"] * 50
    assert drawn(Fate(1), places) == drawn(Fate(1), sorted(places))
    assert drawn(Fate(1), places) != drawn(Fate(2), places)


def test_a_script_leaves_out_everything_else() -> None:
    places = ["a"] * 50
    whole = Fate(1)
    drawn(whole, places)
    kept = frozenset(list(whole.fired)[:2])
    part = Fate(1, keep=kept)
    drawn(part, places)
    assert set(part.fired) == kept
    assert set(part.counts()) <= {"store.lost", "store.late"}


def test_calm_and_quiet_families_have_no_trouble() -> None:
    calm, quiet = Fate(1, calm=True), Fate(1, families={"store": 0.0})
    assert set(drawn(calm, ["a"] * 50)["a"]) == set(drawn(quiet, ["a"] * 50)["a"]) == {""}
