"""`make readers`: the real Graphviz, Mermaid, python-statemachine and pm4py read what we write.

Each gets an environment of its own under the folder named on the command line; none of them is a
dependency. Exit code 0: every reader that is here agrees; 1: one does not. What is not here is said.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from diagrams.dot import dot
from diagrams.labels import pairs
from diagrams.mermaid import mermaid
from diagrams.scxml import scxml
from engine.codec import decode, encode
from engine.replay.reading import line_of, read_records
from engine.replay.walks import Map
from engine.replay.xes import xes
from states.facts import Facts
from states.graph import GRAPH
from states.machine import JUDGE
from states.vocabulary import TERMINALS, State, Trigger
from tests.browser import chromium, tab
from tests.engine.replay.make_log import make_log, walk_log

HERE: Final = Path(__file__).parent
NODE_PACKAGES: Final = ("mermaid@11", "jsdom@29")
PEERS: Final = ("pm4py==2.7.23.11", "python-statemachine==3.2.2")
WALKS: Final[tuple[tuple[str, ...], ...]] = (
    ("start", "accepted", "rendered", "delivered"),
    ("start", "error.network", "resume", "accepted", "rendered"),
    ("start", "accepted", "rendered", "error.send_timeout"),
    ("start", "error.create_unknown", "cancel"),
    ("cancel",),
    ("expire",),
)
_PAINT: Final = """(async () => {
  mermaid.initialize({startOnLoad: false});
  here.innerHTML = (await mermaid.render("picture", %s)).svg;
  const all = (what) => [...here.querySelectorAll(what)];
  const flat = (box) => box.width * box.height === 0;
  return {
    nodes: all(".node").length,
    arrows: all("path.transition").filter((path) => path.getTotalLength() > 10).length,
    empty: all(".edgeLabel").filter((at) => at.textContent.trim() && flat(at.getBoundingClientRect())).length,
  };
})()"""


class NotHere(Exception):  # noqa: N818 - no failure: the program to check with is missing
    """A reader that this machine does not have; the message says how to get it."""


def asked(command: Sequence[str], folder: Path) -> str:
    """What a program printed. Raises AssertionError with its complaint, NotHere when there is no such one."""
    if shutil.which(command[0]) is None:
        raise NotHere(f"`{command[0]}` is not here")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, f"{command[0]} refuses: {(done.stderr or done.stdout).strip()[-800:]}"
    return done.stdout or done.stderr


def graphviz(folder: Path) -> str:
    """Graphviz knows every state and every arrow, and can lay them out."""
    file = folder / "graph.dot"
    file.write_text(dot(GRAPH), encoding="utf-8")
    try:
        read = json.loads(asked(["dot", "-Tjson", str(file)], folder))
    except NotHere as error:
        raise NotHere(f"{error}: install Graphviz (Debian: apt install graphviz)") from None
    names = [item["name"] for item in read["objects"]]
    assert sorted(names) == sorted(["start", *State]), names
    assert len(read["edges"]) == len(pairs(GRAPH)) + 1
    assert all("pos" in item for item in (*read["objects"], *read["edges"]))
    asked(["dot", "-Tpng", "-ograph-dot.png", str(file)], folder)
    version = asked(["dot", "-V"], folder).removeprefix("dot - ").split(" (")[0]
    return f"{len(names)} nodes, {len(read['edges'])} arrows laid out ({version})"


def real_mermaid(folder: Path) -> str:
    """Mermaid's own parser finds our states, arrows and labels."""
    file = folder / "graph.mmd"
    file.write_text(mermaid(GRAPH), encoding="utf-8")
    try:
        if not (folder / "node_modules" / "mermaid").is_dir():
            asked(
                ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *NODE_PACKAGES], folder
            )
        read = json.loads(asked(["node", str(HERE / "mermaid.mjs"), str(file)], folder))
    except NotHere as error:
        raise NotHere(f"{error}: install Node with npm (Debian: apt install nodejs npm)") from None
    moves = Counter((start, end) for start, end, _ in read["moves"] if "root" not in start + end)
    assert moves == Counter((pair.source.value, pair.target.value) for pair in pairs(GRAPH)), moves
    ends = {start for start, end, _ in read["moves"] if end == "root_end"}
    assert ends == {state.value for state in TERMINALS}, ends
    labels = " ".join(label for _, _, label in read["moves"])
    assert all(edge.reason in labels for edge in GRAPH.edges)
    return f"{len(moves)} arrows with their rules, 3 ends (Mermaid {read['version']}, {read['diagramType']})"


def drawn_mermaid(folder: Path) -> str:
    """Mermaid draws it in a real browser: every state, arrow and label is in the picture."""
    if chromium() is None:
        raise NotHere("Chromium is not here: install it (Debian: apt install chromium)")
    bundle = folder / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
    if not bundle.is_file():
        raise NotHere("Mermaid is not here: its parser above says how to get it")
    page = folder / "mermaid.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><script src="{bundle}"></script><div id="here"></div>'
    )
    parts, shot = asyncio.run(_painted(page, mermaid(GRAPH)))
    (folder / "graph-mermaid.png").write_bytes(shot)
    arrows = len(pairs(GRAPH)) + len(TERMINALS) + 1
    assert parts == {"nodes": len(State) + 2, "arrows": arrows, "empty": 0}, parts
    return f"{parts['nodes']} nodes, {arrows} arrows painted, see {folder.name}/graph-mermaid.png"


async def _painted(page: Path, text: str) -> tuple[dict[str, int], bytes]:
    """What stands in the picture, and the picture."""
    async with tab() as browser:
        await browser.look(1500, 2500)
        await browser.open(page.as_uri())
        found = await browser.run(_PAINT % json.dumps(text))
        assert browser.complaints == [], browser.complaints
        return found, await browser.picture()


def expected(walk: Sequence[str]) -> list[str]:
    """The states our own judge goes through, with what the SCXML says of the facts at the start."""
    way = [State.QUEUED]
    for event in walk:
        trigger, _, reason = event.partition(".")
        facts = Facts(
            Trigger(trigger), 0, 0.5, "", held=True, deadline_ms=10**9, costless=True, reason=reason
        )
        way.append(JUDGE.edge(way[-1], facts).target)
    return [state.value for state in way]


def peers(folder: Path) -> dict[str, Any]:
    """What pm4py and python-statemachine say, in an environment that is made on the first call."""
    python = folder / "peers" / "bin" / "python"
    if not python.exists():
        print("  making an environment for pm4py and python-statemachine (about 550 MB) ...", flush=True)  # noqa: T201 - the command's own words
        venv.create(folder / "peers", with_pip=True)
        asked([str(python), "-m", "pip", "install", "--quiet", *PEERS], folder)
    rows = (*walk_log(), *make_log(400, seed=7, trouble=2.0))
    texts = {
        "graph.json": GRAPH.canonical_json(),
        "log.xes": "".join(xes(read_records(map(line_of, rows)))),
        "graph.scxml": scxml(GRAPH),
        "walks.json": encode([{"events": walk} for walk in WALKS]).decode(),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    said = asked([str(python), str(HERE / "peers.py"), *(str(folder / name) for name in texts)], folder)
    found: dict[str, Any] = decode(said.strip().rpartition("\n")[2])
    return found


def state_machine(found: dict[str, Any]) -> str:
    """python-statemachine has every edge of ours, and goes where our judge goes."""
    moves = Counter((source, event, target) for source, event, target in found["moves"])
    ours = Counter(
        (e.source.value, e.trigger.value + (f".{e.reason}" if e.reason else ""), e.target.value)
        for e in GRAPH.edges
    )
    assert moves == ours, (moves - ours, ours - moves)
    assert found["ways"] == [expected(walk) for walk in WALKS], found["ways"]
    steps, by = sum(map(len, WALKS)), f"python-statemachine {found['version']}"
    return f"{moves.total()} transitions, {steps} steps of {len(WALKS)} walks alike ({by})"


def mined(found: dict[str, Any]) -> str:
    """pm4py replays every trace on the net of the graph without a token lost."""
    assert found["fitness"] == 1.0, found
    assert found["fitting"] == 100.0, found
    reachable = len(Map(GRAPH).reachable)
    assert found["edges"] == reachable, found
    return (
        f"{found['traces']} traces, {found['events']} events, {found['edges']} of {reachable} edges taken,"
        f" token-replay fitness {found['fitness']} (pm4py {found['version']})"
    )


def main(folder: Path) -> int:
    """Ask them all; the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    said: dict[str, Any] = {}

    def both() -> dict[str, Any]:
        said.update(said or peers(folder))
        return said

    readers: dict[str, Callable[[], str]] = {
        "DOT": lambda: graphviz(folder),
        "Mermaid": lambda: real_mermaid(folder),
        "Browser": lambda: drawn_mermaid(folder),
        "SCXML": lambda: state_machine(both()["scxml"]),
        "XES": lambda: mined(both()["xes"]),
    }
    failed = 0
    for name, read in readers.items():
        try:
            print(f"{name:<8} reads it: {read()}", flush=True)  # noqa: T201 - the command's own words
        except NotHere as error:
            print(f"{name:<8} not checked: {error}.", flush=True)  # noqa: T201
        except AssertionError as error:
            failed = 1
            print(f"{name:<8} REFUSED: {error}", flush=True)  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
