"""Each kind of damage, planted in a store after real flows, is found under its own rule."""

from unittest.mock import patch

import pytest

from engine.check import sweep
from engine.check.rules import RULES
from engine.clock import ManualClock
from engine.randomness import SeededRandomness
from engine.store import Store
from tests.engine.check.damage_keys import KEYS
from tests.engine.check.damage_money import MONEY, released_twice, row_edited
from tests.engine.check.damage_places import PLACES
from tests.engine.check.flows import Damage, Lives, checked, rules, shown

pytestmark = pytest.mark.usefixtures("swept")

CASES = [*MONEY, *PLACES, *KEYS]


@pytest.mark.parametrize(("damage", "broken"), CASES, ids=[case[0].__name__ for case in CASES])
async def test_damage_is_found_under_its_rule(
    lives: Lives, redis_url: str, damage: Damage, broken: set[str]
) -> None:
    await damage(lives)
    report = await checked(redis_url)
    assert rules(report) == broken, shown(report)


def test_every_rule_has_its_damage() -> None:
    planted = {rule for _, broken in CASES for rule in broken}
    assert RULES.keys() - planted == {"K.shape"}  # planted below: it needs two partitions


async def test_a_finding_names_the_job_the_entry_and_what_is_right(lives: Lives, redis_url: str) -> None:
    await row_edited(lives)
    finding = (await checked(redis_url)).findings[0]
    assert (finding.user, finding.job, finding.entry) == ("7", lives.done.id, f"{lives.done.id}:0")
    assert (finding.expected, finding.found) == ("90", "1000")


async def test_more_than_is_kept_is_cut(lives: Lives, redis_url: str) -> None:
    with patch.object(sweep, "FINDINGS_MAX", 1):
        await released_twice(lives)
        report = await checked(redis_url)
    assert (len(report.findings), report.cut, report.clean) == (1, True, False)


async def test_a_partition_without_the_stores_shape_is_found(
    store: Store, redis_url: str, clock: ManualClock, randomness: SeededRandomness
) -> None:
    await store.connection.command("FLUSHALL")
    four = await Store.connect(redis_url, clock=clock, randomness=randomness, partitions=4)
    await four.connection.command("HDEL", f"{four.prefix(2)}:ctl", "schema")
    await four.close()
    report = await checked(redis_url)
    assert [(finding.rule, finding.partition) for finding in report.findings] == [("K.shape", 2)]
