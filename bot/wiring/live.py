"""The live page over an engine: what it may ask, and where it is put."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from bot.settings import Settings, SettingsError
from diagrams.live import Access, DueRow, JobView, LiveSource, Move, NotReadyError, live_app
from diagrams.live.door import LOOPBACK
from engine.errors import EngineError
from engine.front import Engine
from engine.ports import Alert
from engine.randomness import SystemRandomness
from engine.values import Cancellation, DueJob, Event
from states.job import Job, ProviderTask

LIVE_PATH: Final = "/live"
_SLICE: Final = 200
"""Lines of the due list asked for at once: a fraction of a millisecond of the store's time."""


class EngineSource:
    """An engine as the live page reads it (diagrams.live.LiveSource). `engine_of` may answer None yet."""

    def __init__(self, engine_of: Callable[[], Engine | None]) -> None:
        self._engine_of = engine_of

    @property
    def _engine(self) -> Engine:
        engine = self._engine_of()
        if engine is None:
            raise NotReadyError("the engine is starting")
        return engine

    def now_ms(self) -> int:
        """The engine's time."""
        return self._engine.store.clock.now_ms()

    async def counts(self) -> Mapping[str, int]:
        """Jobs by state, moves by edge."""
        try:
            return await self._engine.store.counts()
        except EngineError as error:
            raise NotReadyError(str(error)) from error

    async def moves(self, after: str, block_s: float) -> Sequence[Move]:
        """The event feed."""
        try:
            return [_move(event) for event in await self._engine.events(after, block_s)]
        except EngineError as error:
            raise NotReadyError(str(error)) from error

    async def due(self, limit: int) -> Sequence[DueRow]:
        """All timers, partition by partition, in short slices."""
        try:
            return await self._due(limit)
        except EngineError as error:
            raise NotReadyError(str(error)) from error

    async def _due(self, limit: int) -> Sequence[DueRow]:
        store = self._engine.store
        found: dict[str, DueJob] = {}
        for partition in range(store.partitions):
            last: DueJob | None = None
            while len(found) < limit and (page := await store.due_page(partition, last, _SLICE)):
                found |= {job.id: job for job in page}
                last = page[-1]
        return [_row(job) for job in sorted(found.values(), key=lambda job: (job.due_ms, job.id))]

    async def job(self, job_id: str) -> JobView | None:
        """One job and its history."""
        try:
            found = await self._engine.job(job_id)
            history = await self._engine.history(job_id)
        except EngineError as error:
            raise NotReadyError(str(error)) from error
        if found is None:
            return None
        return JobView(_facts(found), _private(found), history)

    async def cancel(self, job_id: str) -> str:
        """Cancel where it costs nothing; the admin chat is told, as by `reelstate job cancel`."""
        try:
            found = await self._engine.job(job_id)
            if found is None:
                return Cancellation.UNKNOWN_JOB.value
            answer = await self._engine.cancel(job_id, found.user_id)
            if answer is Cancellation.CANCELLED:
                text = f"job {job_id} was cancelled by the operator on the live page"
                await self._engine.alert(Alert(f"operator/cancel/{job_id}", "operator", text, job_id))
        except EngineError as error:
            raise NotReadyError(str(error)) from error
        return answer.value


def _move(event: Event) -> Move:
    return Move(
        id=event.id,
        job=event.job_id,
        user=event.user_id,
        ms=event.ms,
        seq=event.seq,
        trigger=event.trigger,
        source=event.source,
        target=event.target,
        edge=event.edge,
        reason=str(event.data.get("reason") or ""),
    )


def _row(job: DueJob) -> DueRow:
    return DueRow(job.id, job.due_ms, job.state, job.user_id, job.worker, job.reason, job.aside)


def _facts(job: Job) -> dict[str, Any]:
    """What an engineer needs to see of a job; nothing a person wrote, no address, no file's id."""
    return {
        "id": job.id,
        "state": job.state.value,
        "stage": job.stage.value if job.stage else "",
        "graph": job.graph,
        "seq": job.seq,
        "epoch": job.epoch,
        "cost": job.cost,
        "hold": job.hold.value,
        "created": job.created_ms,
        "deadline": job.deadline_ms,
        "retry_at": job.retry_at_ms,
        "model": job.request.model,
        "template": job.request.template,
        "aspect": job.request.aspect,
        "seconds": job.request.duration_s,
        "lang": job.request.lang,
        "reason": job.last_reason,
        "failures": dict(job.counts),
        "deliveries": job.send_attempts,
        "told": sorted(kind.value for kind in job.told),
        "refused": list(job.refused),
        "source_job": job.source_job,
        "video": _video(job),
        "tasks": [_task(task) for task in job.tasks],
    }


def _video(job: Job) -> dict[str, Any] | None:
    video = job.video
    if video is None:
        return None
    return {
        "width": video.width,
        "height": video.height,
        "seconds": video.duration_s,
        "size": video.size,
        "task": video.task_n,
    }


def _task(task: ProviderTask) -> dict[str, Any]:
    return {
        "n": task.n,
        "model": task.model,
        "key": task.key,
        "status": task.status.value,
        "created": task.created_ms,
        "cost": task.cost,
    }


def _private(job: Job) -> dict[str, Any]:
    return {"user": job.user_id, "wishes": job.request.prompt}


# --- where it is put ----------------------------------------------------------------------------


def wants_live(settings: Settings) -> bool:
    """Whether an installation shows the page: closed unless a token or open reading was asked for."""
    return bool(settings.live_token.get_secret_value()) or settings.live_open


def mount_live(site: web.Application, engine: Engine, settings: Settings) -> None:
    """Put the page on the site that takes callbacks, when it is wanted."""
    if wants_live(settings):
        _add(site, EngineSource(lambda: engine), access_of(settings))


def mount_sandbox_live(site: web.Application, engine_of: Callable[[], Engine | None], home: str) -> None:
    """Put the page beside a sandbox's chat: open, on loopback, to the one person whose world it is."""
    access = Access(open_reading=True, open_private=True, hosts=LOOPBACK)
    _add(site, EngineSource(engine_of), access, home)


def access_of(settings: Settings, *, local: bool = False) -> Access:
    """How far the door is open. `local`: a page that only this machine can reach may be looked at."""
    return Access(
        token=settings.live_token.get_secret_value(),
        open_reading=settings.live_open or local,
        hosts=LOOPBACK if local and not settings.live_open else frozenset(),
        secure=settings.public_url.startswith("https://") and not local,
    )


def _add(site: web.Application, source: LiveSource, access: Access, home: str = "") -> None:
    page = live_app(source, access=access, new_id=SystemRandomness().token, home=home)
    site.add_subapp(LIVE_PATH, page)


@asynccontextmanager
async def serve_live(engine: Engine, settings: Settings, host: str, port: int) -> AsyncIterator[str]:
    """The page alone on a port; yields its address. SettingsError: the port is taken, or open to all."""
    local = host in LOOPBACK
    if not local and not wants_live(settings):
        raise SettingsError(
            f"REELSTATE_LIVE_TOKEN is not set: without it the page listens on loopback only, not on {host}."
        )
    site = web.Application()
    _add(site, EngineSource(lambda: engine), access_of(settings, local=local))
    site.router.add_get("/", _to_page)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        place = web.TCPSite(runner, host, port)
        try:
            await place.start()
        except OSError as error:
            raise SettingsError(f"Port {port} on {host} is taken: choose another one with --port.") from error
        bound = runner.addresses[0][1]
        yield f"http://{'[' + host + ']' if ':' in host else host}:{bound}{LIVE_PATH}/"
    finally:
        await runner.cleanup()


async def _to_page(_request: web.Request) -> web.Response:
    raise web.HTTPFound(f"{LIVE_PATH}/")
