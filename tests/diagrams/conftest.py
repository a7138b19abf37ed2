import sys
from pathlib import Path

import pytest

from diagrams.journal import Journal, journal
from diagrams.logs import read_logs
from states.graph import GRAPH
from tests.diagrams.lives import write_log


@pytest.fixture(scope="session")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("logs") / "jobs.jsonl", jobs=60)


@pytest.fixture(scope="session")
def log(log_file: Path) -> Journal:
    return journal(read_logs([log_file]), GRAPH)


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("quickjs", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)
