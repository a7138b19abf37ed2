"""The user's time, over real HTTP on loopback: from the photo to the accepted job, from success to the chat.

A whole installation in a sandbox whose clock is the real one. What a person thinks between two taps is not
counted; the render is short, because only what comes before and after it is ours.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters.sandbox.chat_sample import sample_photo
from adapters.sandbox.faults import Answer, Fault, Server
from bot.taps import Verb
from bot.wiring.customer import Customer
from bot.wiring.running import Trouble
from bot.wiring.sandbox import PERSON, World, open_world
from bot.wiring.waiting import until
from engine.bench.meter import wall_s
from engine.telemetry import Field
from engine.values import EntryKind
from states.vocabulary import State

RENDER_S: Final = 4.0
"""Longer than the sandbox takes to make its film, shorter than a first poll: the callback comes first."""
WAIT_S: Final = 60.0
LANG: Final = "en"


@dataclass(slots=True)
class Times:
    """Milliseconds, one entry a round.

    `proposal`: photo sent → price and launch button shown. `started`: launch tapped → credits held, a worker
    has the job. `accepted`: launch tapped → the provider's task id stored (photo fetched and uploaded
    meanwhile). `in_chat`: the provider's success → the message shows the video.
    """

    proposal: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    in_chat: list[float] = field(default_factory=list)

    @property
    def photo_to_accepted(self) -> list[float]:
        """The bot's whole part between the photo and the accepted job."""
        return [one + other for one, other in zip(self.proposal, self.accepted, strict=True)]


@dataclass(slots=True)
class _Moves:
    """When the job moved, by telemetry."""

    at_s: dict[str, float] = field(default_factory=dict)

    def __call__(self, name: str, fields: dict[str, Field]) -> None:
        if name == "job.moved":
            word = "accepted" if "accepted" in str(fields["edge"]) else str(fields["state"])
            self.at_s.setdefault(word, wall_s())


async def user_times(rounds: int) -> Times:
    """Let a person buy `rounds` videos one after the other. Raises Trouble when the bot does not answer.

    A first one is not counted: the sandbox makes its film then, which takes a core for a while.
    """
    found = Times()
    with TemporaryDirectory(prefix="reelbench") as folder:
        async with open_world(scale=1.0, data_dir=Path(folder)) as world:
            world.faults.add(
                Fault(Server.KIE, "render", times=None, answer=Answer(200, {"duration_s": RENDER_S}))
            )
            moves = _Moves()
            world.app.telemetry.subscribers.append(moves)
            running = asyncio.create_task(world.app.run())
            try:
                customer = Customer(world.telegram.person(PERSON))
                _need(await customer.begin(LANG), "the welcome")
                await _buy(world, customer, moves, Times())
                for _ in range(rounds):
                    await _buy(world, customer, moves, found)
            finally:
                world.app.stop.set()
                await running
    return found


async def _buy(world: World, customer: Customer, moves: _Moves, found: Times) -> None:
    films, newest = len(customer.films()), customer.messages[-1].message_id
    await world.app.engine.grant(PERSON, 10, f"film-{films}", EntryKind.GRANT)
    photo = await asyncio.to_thread(sample_photo)
    moves.at_s.clear()
    await customer.person.send_photo(photo)
    sent_ms = world.clock.now_ms()  # Telegram has it, and has made its sizes
    _need(await until(lambda: _proposed(customer, newest), WAIT_S), "a proposal for the photo")
    found.proposal.append(float(customer.messages[-1].versions[-1].at_ms - sent_ms))
    tapped_s = wall_s()
    _need(await customer.launch(), "a launch button")
    _need(await until(lambda: State.DONE in moves.at_s, WAIT_S), "the video")
    _need(await until(lambda: len(customer.films()) > films, WAIT_S), "the message with the video")
    found.started.append((moves.at_s[State.GENERATING] - tapped_s) * 1000)
    found.accepted.append((moves.at_s["accepted"] - tapped_s) * 1000)
    task = list(world.kie.state.tasks.values())[-1]
    became = next(version for version in customer.films()[-1].versions if version.kind != "text")
    found.in_chat.append(float(became.at_ms - task.ends_ms))


def _proposed(customer: Customer, newest: int) -> bool:
    """Whether a launch button has come after that message."""
    button = customer.button(Verb.LAUNCH)
    return button is not None and button.message_id > newest


def _need(came: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not came:
        raise Trouble(f"The bot did not show {what} within {WAIT_S:.0f} s: nothing was measured.")
