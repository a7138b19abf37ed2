"""One play for a lesson: a scenario, told as what happened and what everybody saw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.wiring.nursery import Nursery
from bot.wiring.played import Line
from bot.wiring.story import play

COFFEE: Final = Path(__file__).parents[1] / "data" / "coffee.jpg"


@dataclass(frozen=True, slots=True)
class Lesson:
    """`moves`: transitions as `from → to  trigger`. `chat`: what the user saw. Credits before and after."""

    moves: list[str]
    why: list[str]
    chat: list[str]
    pushes: int
    before: int
    after: int
    film: Path | None

    def saw(self, words: str) -> bool:
        """Whether the user saw a message with these words."""
        return any(words in message for message in self.chat)


async def lesson(name: str, nursery: Nursery, folder: Path) -> Lesson:
    """Play a scenario in a sandbox of its own: real bot, real worker, real store, real files."""
    lines: list[Line] = []
    played = await play(name, COFFEE, lines.append, save_to=folder / f"{name}.mp4", nursery=nursery)
    moves = [line.text.split("  ") for line in lines if line.what == "move"]
    return Lesson(
        moves=["  ".join(words[:2]) for words in moves],
        why=[words[2].split(" ")[0] for words in moves if words[1] == "error"],
        chat=played.messages,
        pushes=played.pushes,
        before=played.before.balance,
        after=played.after.balance,
        film=played.film.path if played.film else None,
    )
