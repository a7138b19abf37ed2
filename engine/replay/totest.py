"""A recorded job made into a regression test that runs: its records, redacted, and what they must give."""

import json
from collections.abc import Sequence
from typing import Final

from engine.replay.redact import leaks, pseudonym
from engine.replay.values import Record, ReplayError

_TEMPLATE: Final = '''"""Job {job} as it was recorded, replayed: {summary}."""

import json

from engine.codec import encode
from engine.replay.replayer import Replayer
from engine.replay.values import Verdict

RECORDS = json.loads(
    r\'\'\'[
{records}
]\'\'\'
)


def test_{name}() -> None:
    replayer = Replayer()
    replayer.feed([encode(row) for row in RECORDS])
    report = replayer.finish()
    assert report.findings == []
    assert report.jobs == {{Verdict.SAME: 1}}
    assert [row["edge"] for row in RECORDS if row["disp"] == "transition" and row["seq"] > 0] == [
{edges}
    ]
'''


def test_module(rows: Sequence[Record], name: str) -> str:
    """The text of a test module. Raises ReplayError for records that must not leave the house."""
    bad = [sentence for row in rows for sentence in leaks(row)]
    if bad:
        raise ReplayError(f"The job's records hold what must not leave: {bad[0]}.")
    clean = [pseudonym(row, name.encode()[:64]) for row in rows]
    edges = [row["edge"] for row in clean if row.get("disp") == "transition" and row["seq"] > 0]
    return _TEMPLATE.format(
        job=clean[0]["job"],
        summary=f"{len(edges)} moves, ends {clean[-1].get('to', clean[-1].get('from', '?'))}",
        records=",\n".join(json.dumps(row, separators=(",", ":")) for row in clean),
        name="".join(sign if sign.isalnum() else "_" for sign in name).strip("_") or "job",
        edges="\n".join(f'        "{edge}",' for edge in edges),
    )


test_module.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it
