import pytest

from engine.keys import (
    MAX_PARTITIONS,
    TAGS,
    job_id,
    partition_of_job,
    partition_of_user,
    slot,
    tag,
)


def test_sixteen_partitions_lie_evenly_over_the_slots() -> None:
    assert all(abs(slot("{" + t + "}:t") - (i * 1024 + 512)) <= 1 for i, t in enumerate(TAGS))


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 8, 16])
def test_every_partition_has_its_own_tag_and_the_first_is_always_the_same(partitions: int) -> None:
    tags = [tag(p, partitions) for p in range(partitions)]
    assert len(set(tags)) == partitions
    assert tags[0] == "{1768}"


@pytest.mark.parametrize(("partition", "partitions"), [(-1, 4), (4, 4), (0, MAX_PARTITIONS + 1)])
def test_an_impossible_partition_is_refused(partition: int, partitions: int) -> None:
    with pytest.raises(ValueError, match="a store has 1 to 16 partitions"):
        tag(partition, partitions)


def test_a_job_id_finds_its_partition() -> None:
    for partition in range(16):
        assert partition_of_job(job_id(partition, "A" * 22)) == partition


@pytest.mark.parametrize("text", ["", "0", "0-", "g-abc", "0-a b", "0-a:b", "00-a", "0-{x}", "0-a\n", "-a"])
def test_what_is_no_job_id_is_told_apart(text: str) -> None:
    assert partition_of_job(text) is None


def test_users_spread_over_the_partitions() -> None:
    seen = [partition_of_user(user, 16) for user in range(1000, 2000)]
    assert min(seen.count(p) for p in range(16)) > 30


def test_slots_are_the_servers() -> None:
    # the check value of CRC16-XMODEM in the cluster specification is 0x31C3
    assert slot("123456789") == 0x31C3 % 16384
    assert slot("a{123456789}b") == slot("123456789")
    assert slot("{}123456789") != slot("123456789")
