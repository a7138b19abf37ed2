"""Numbers that cannot work are refused where they are built."""

import pytest

from engine.config import AlertsConfig, ConfigError, EngineConfig, LimitsConfig


def test_the_defaults_stand() -> None:
    config = EngineConfig()
    assert (config.partitions, config.lease_ms, config.limits.creates) == (1, 15_000, 20)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"partitions": 0}, "partitions is 0"),
        ({"partitions": 17}, "a store has 1 to 16"),
        ({"lease_ms": 999}, "below 1000"),
        ({"max_live_jobs": -1}, "max_live_jobs"),
        ({"trial_credits": -1}, "use 0 for none"),
        ({"update_memory_s": 3600}, "24 hours"),
    ],
)
def test_wrong_numbers_of_the_engine(wrong: dict[str, int], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        EngineConfig(**wrong)  # type: ignore[arg-type]


def test_no_trial_is_a_choice() -> None:
    assert EngineConfig(trial_credits=0).trial_credits == 0


def test_wrong_numbers_of_its_parts() -> None:
    with pytest.raises(ConfigError, match="creates is 0"):
        LimitsConfig(creates=0)
    with pytest.raises(ConfigError, match="quiet_s"):
        AlertsConfig(quiet_s=0)
