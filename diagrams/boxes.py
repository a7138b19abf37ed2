"""States: rounded boxes, terminals double-lined, the current one with a halo, times and refusals below."""

from collections.abc import Iterator

from diagrams.layout import Box, Layout
from diagrams.markup import element, escape, number
from diagrams.metrics import width
from diagrams.overlay import Overlay, Stay
from states.graph import EdgeKind
from states.vocabulary import TERMINALS, State

_ENDS = {State.DONE: EdgeKind.DONE, State.REFUNDED: EdgeKind.REFUND, State.FAILED: EdgeKind.FAILURE}
_ROUND, _NOTE_ROOM_PX = 9.0, 4.0
NOTE_PX = 9.0
"""Font size of what stands under a state's name."""


def state_box(state: State, box: Box, over: Overlay) -> str:
    """One state. Its class says what it is: `state`, `end`, `current`."""
    classes = ["state"]
    if state in TERMINALS:
        classes += ["end", f"k-{_ENDS[state].value}"]
    parts = []
    if over.current is state:
        classes.append("current")
        parts.append(_rect("halo", box, 3, _ROUND + 3))
    parts.append(_rect("box", box, 0, _ROUND))
    if state in TERMINALS:
        parts.append(_rect("inner", box, -3.5, _ROUND - 3))
    parts += _words(state, box, over)
    return element("g", {"class": " ".join(classes), "data-state": state.value}, "".join(parts))


def _words(state: State, box: Box, over: Overlay) -> list[str]:
    middle, notes = box.middle, state_notes(state, over, box.width - 2 * _NOTE_ROOM_PX)
    name_y = middle.y + (4.5, -1.5, -7.0)[len(notes)]
    words = [element("text", {"class": "name", "x": middle.x, "y": name_y}, escape(state.value))]
    for row, note in enumerate(notes):
        y = middle.y + (11.5 if len(notes) == 1 else 4.5 + row * 10.0)
        words.append(element("text", {"class": "note", "x": middle.x, "y": y}, escape(note)))
    return words


def state_notes(state: State, over: Overlay, room_px: float = 1000.0) -> list[str]:
    """The lines under a name: how long jobs stay (in so many words as there is room), what was refused."""
    stay, errors = over.times.get(state), over.errors.get(state.value, 0)
    notes = []
    if stay is not None and state not in TERMINALS:
        notes.append(next((word for word in _stays(stay) if width(word, NOTE_PX) <= room_px), ""))
    if errors:
        notes.append(f"{errors:,} refused")
    return [note for note in notes if note]


def _stays(stay: Stay) -> Iterator[str]:
    """The same in ever fewer words; the legend says which number is which."""
    half, most = duration(stay.p50_ms), duration(stay.p95_ms)
    if half == most:
        yield f"p50 {half}"
    yield f"p50 {half} · p95 {most}"
    yield f"{half} · {most}"
    yield f"p95 {most}"


def duration(ms: float) -> str:
    """A short duration: `120 ms`, `8.5 s`, `41 s`, `3 min`, `6 h`."""
    seconds = ms / 1000
    if seconds < 1:
        return f"{ms:.0f} ms"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            value = seconds / size
            return f"{number(value) if value < 10 else f'{value:.0f}'} {unit}"
    return f"{seconds / 86_400:.0f} d"


def _rect(name: str, box: Box, grow: float, radius: float) -> str:
    return element(
        "rect",
        {
            "class": name,
            "x": box.x - grow,
            "y": box.y - grow,
            "width": box.width + 2 * grow,
            "height": box.height + 2 * grow,
            "rx": radius,
        },
    )


def start_dot(layout: Layout) -> str:
    """The initial dot and its arrow into the first state."""
    top = layout.states[State.QUEUED].y
    x, y = layout.dot.x, layout.dot.y
    line = element("path", {"class": "line", "d": f"M{number(x)} {number(y)}V{number(top - 6)}"})
    tip = f"M{number(x)} {number(top - 1)}l-4 -8h8z"
    dot = element("circle", {"class": "dot", "cx": x, "cy": y, "r": 5.5})
    return element("g", {"class": "k-flow start"}, line + element("path", {"class": "tip", "d": tip}) + dot)
