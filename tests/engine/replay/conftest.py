"""A log that many tests read: made once a process."""

from pathlib import Path

import pytest

from tests.engine.replay.make_log import write_log


@pytest.fixture(scope="session")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of 400 jobs with twice the usual trouble."""
    path = tmp_path_factory.mktemp("logs") / "jobs.jsonl"
    write_log(path, 400, seed=7, trouble=2.0)
    return path


@pytest.fixture(scope="session")
def log_lines(log_file: Path) -> list[bytes]:
    """Its lines."""
    return log_file.read_bytes().splitlines(keepends=True)
