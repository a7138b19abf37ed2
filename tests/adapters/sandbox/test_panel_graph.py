"""The chat page's small picture shows exactly the moves of the real graph."""

import re
from pathlib import Path

from adapters.sandbox import chat_page
from states.graph import GRAPH


def test_the_small_picture_has_the_pairs_of_the_graph() -> None:
    source = (Path(chat_page.__file__).parent / "static" / "diagram.js").read_text(encoding="utf-8")
    drawn = set(re.findall(r'\["(\w+)", "(\w+)", "M', source))
    assert drawn == {(edge.source.value, edge.target.value) for edge in GRAPH.edges}
