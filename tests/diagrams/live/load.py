"""A load for looking at the live page: real engine, real workers, a provider that answers at once.

    python -m tests.diagrams.live.load --rate 1000 --live 10000 --port 8771

Not a test: it runs until it is stopped and prints what it does once in ten seconds.
"""

import asyncio
import random
import sys
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

from aiohttp import web

from bot.wiring.live import EngineSource
from diagrams.live import Access, live_app
from engine.assembly import make_late_watch, make_relay, make_worker
from engine.config import EngineConfig, LimitsConfig
from engine.front import Engine
from engine.ports import (
    Accepted,
    Alert,
    CreatePlan,
    Delivered,
    Delivery,
    Failed,
    Notice,
    Rendered,
    Rendering,
    Told,
)
from engine.randomness import SystemRandomness
from engine.telemetry import Telemetry
from engine.values import EntryKind, NewJob
from states.job import Job, ProviderTask, Request, Video
from states.strategy import STRATEGY
from states.vocabulary import Failure, Reason, Stage, Verdict
from tests.servers import running_server

MANY = 1_000_000
SLOW_USERS = 1_000_000
"""Users from here on have renders that take an hour: they fill the list."""
ROOMY = LimitsConfig(
    creates=MANY,
    renders_per_key=MANY,
    renders_per_user=100,
    retry_tokens=MANY,
    breaker_failures=MANY,
    closed_s=0.2,
    closed_max_s=0.2,
)
VIDEO = Video(url="https://cdn.test/v.mp4", task_n=1, size=2_400_000, width=720, height=1280, duration_s=8.0)
CREATE_TROUBLES = (
    (0.05, Reason.RATE_LIMITED),
    (0.04, Reason.UNAVAILABLE),
    (0.015, Reason.IMAGE_TOO_DARK),
    (0.01, Reason.NO_PRODUCT),
    (0.005, Reason.ADULT_CONTENT),
)
POLL_TROUBLES = ((0.03, Reason.PROVIDER_ERROR), (0.02, Reason.CORRUPTED_VIDEO), (0.02, Reason.OVERLOADED))
SEND_TROUBLES = ((0.03, Reason.SEND_TIMEOUT), (0.02, Reason.SEND_UNKNOWN), (0.01, Reason.USER_GONE))


@dataclass(slots=True)
class Weather:
    """Which step goes wrong, by a seed."""

    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def strikes(self, stage: Stage, troubles: tuple[tuple[float, Reason], ...]) -> Failed | None:
        """A trouble, now and then."""
        roll = self.dice.random()
        for chance, reason in troubles:
            if roll < chance:
                verdict = Verdict(STRATEGY.row(stage, reason).cls, reason, f"load.{reason}")
                return Failed(Failure("test", stage.value, message=f"it was {reason}"), verdict)
            roll -= chance
        return None


@dataclass(slots=True)
class QuickMaker:
    """Renders within seconds; slow users wait for an hour."""

    weather: Weather

    def plan_create(self, job: Job) -> CreatePlan:
        """One key, the model asked for."""
        return CreatePlan(job.request.model, "main")

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """At once."""
        if trouble := self.weather.strikes(Stage.GENERATING, CREATE_TROUBLES):
            return trouble
        await intent()
        return Accepted(f"task-{job.id}-{task.n}")

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Nearly done, mostly."""
        if job.user_id >= SLOW_USERS:
            return Rendering(self.weather.dice.uniform(300, 3000))
        if self.weather.dice.random() < 0.4:
            return Rendering(self.weather.dice.uniform(1, 4))
        return self.weather.strikes(Stage.GENERATING, POLL_TROUBLES) or Rendered(
            replace(VIDEO, task_n=task.n), 3.0
        )

    def first_poll_s(self, model: str) -> float:
        """Soon."""
        del model
        return self.weather.dice.uniform(1, 6)


@dataclass(slots=True)
class QuickCourier:
    """Delivers at once, or does not."""

    weather: Weather

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        """At once."""
        del note
        return self.weather.strikes(Stage.SENDING, SEND_TROUBLES) or Delivered(
            5, f"file-{delivery.job.id}", "video"
        )


class QuietNotifier:
    """Nobody is told anything."""

    async def tell(self, notice: Notice) -> Told:
        """Told."""
        del notice
        return Told()


async def _no_alert(alert: Alert, key: str) -> None:
    del alert, key


async def submit(engine: Engine, n: int, user: int, dice: random.Random) -> bool:
    """One more job."""
    await engine.grant(user, 10, f"load-{n}", EntryKind.GRANT)
    request = Request(
        chat_id=user,
        photo="p",
        template=dice.choice(("own", "spin", "beach")),
        prompt=f"wish {n}",
        model="veo3_fast",
    )
    answer = await engine.submit(NewJob(f"load-{n}", user, 2, request, status_message_id=5))
    return answer.job is not None


@dataclass(slots=True)
class Load:
    """Everything that runs."""

    engine: Engine
    rate: int
    live: int
    numbers: "count[int]" = field(default_factory=count)
    dice: random.Random = field(default_factory=lambda: random.Random(11))
    submitted: int = 0

    async def fill(self) -> None:
        """The slow jobs, a few hundred at a time."""
        for begin in range(0, self.live, 100):
            batch = range(begin, min(begin + 100, self.live))
            await asyncio.gather(
                *(submit(self.engine, next(self.numbers), SLOW_USERS + n, self.dice) for n in batch)
            )
            await asyncio.sleep(0.02)

    async def drive(self) -> None:
        """The quick jobs, ten times a second, with a burst now and then."""
        while (await self.engine.store.counts()).get("st:generating", 0) < self.live * 0.9:  # noqa: ASYNC110 - nobody rings when it is
            await asyncio.sleep(1)  # the list is filled first
        loop, owed = asyncio.get_running_loop(), 0.0
        before = loop.time()
        while True:
            await asyncio.sleep(0.1)
            now = loop.time()
            owed += (now - before) * self.rate / 60 + (20 if self.dice.random() < 0.01 else 0)
            before = now
            whole, owed = int(owed), owed % 1
            users = [self.dice.randint(1, 200_000) for _ in range(whole)]
            made = (submit(self.engine, next(self.numbers), user, self.dice) for user in users)
            self.submitted += sum(await asyncio.gather(*made))

    async def report(self) -> None:
        """What it does."""
        before = 0
        while True:
            await asyncio.sleep(10)
            counts = await self.engine.store.counts()
            print(f"submitted {(self.submitted - before) * 6}/min, live {counts['live']}", flush=True)  # noqa: T201
            before = self.submitted


async def run(rate: int, live: int, port: int, partitions: int) -> None:
    """Until it is stopped."""
    with running_server() as url:
        engine = await Engine.connect(url, EngineConfig(partitions=partitions, limits=ROOMY))
        weather, telemetry = Weather(), Telemetry([])
        maker, courier = QuickMaker(weather), QuickCourier(weather)
        workers = [
            make_worker(engine, maker, courier, telemetry, name=f"w{n}", keys=["main"]) for n in (1, 2)
        ]
        late = make_late_watch(engine, maker, telemetry)
        relay = make_relay(engine, QuietNotifier(), late, _no_alert, telemetry)
        load = Load(engine, rate, live)
        site = web.Application()
        access = Access(open_reading=True, open_private=True)
        site.add_subapp(
            "/live", live_app(EngineSource(lambda: engine), access=access, new_id=SystemRandomness().token)
        )
        runner = web.AppRunner(site, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print(f"http://127.0.0.1:{port}/live/", flush=True)  # noqa: T201
        parts = [*(worker.run() for worker in workers), relay.run(), load.fill(), load.drive(), load.report()]
        await asyncio.gather(*parts)


def main() -> None:
    """Read the words of the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1000, help="jobs a minute")
    parser.add_argument("--live", type=int, default=0, help="slow jobs that fill the list")
    parser.add_argument("--port", type=int, default=8771)
    parser.add_argument("--partitions", type=int, default=1)
    given = parser.parse_args(sys.argv[1:])
    with suppress(KeyboardInterrupt):
        asyncio.run(run(given.rate, given.live, given.port, given.partitions))


if __name__ == "__main__":
    main()
