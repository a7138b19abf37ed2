"""The paid provider as a worker sees it: plan, create, poll. Implements `engine.ports.VideoMaker`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.kie import answers, callback, payloads, verdicts
from adapters.kie.answers import Phase, TaskReport
from adapters.kie.catalogue import Catalogue, Endpoint, Model
from adapters.kie.client import KieClient
from adapters.kie.keys import KEY_FAULTS, ApiKey, KeyHealth, KeyRing
from adapters.kie.library import Kept, VideoLibrary
from adapters.kie.photos import PhotoShelf
from adapters.kie.planner import Planner
from adapters.kie.schedule import Schedule
from engine.ports import Accepted, Clock, CreatePlan, Failed, Rendered, Rendering
from states.job import Job, ProviderTask, Video
from states.vocabulary import Failure, Reason, Verdict

Intent = Callable[[], Awaitable[bool]]
"""Makes the intent to create durable; False when the job was taken away."""

PHOTO_IS_FINE = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.UNAVAILABLE,
        Reason.PROVIDER_AUTH,
        Reason.PROVIDER_BALANCE,
        Reason.MODEL_RETIRED,
    }
)
"""After these an uploaded photo may be used again; anything else may have to do with its address."""


@dataclass(frozen=True, slots=True)
class MakerConfig:
    """Times in clock seconds. `public_url` without a path; empty: KIE is only polled, never calls back."""

    watch_s: float = 600.0
    """How long one watch over a task lasts before it counts as a time-out (the task lives on)."""
    grace_s: float = 90.0
    """How long KIE may say that it does not know a new task."""
    schedule: Schedule = field(default_factory=Schedule)
    public_url: str = ""
    callback_secret: str = field(default="", repr=False)


class KieMaker:
    """Buys videos at KIE. Holds nothing that matters: a restart loses the addresses of a few uploads."""

    def __init__(
        self,
        *,
        client: KieClient,
        keys: KeyRing,
        catalogue: Catalogue,
        health: KeyHealth,
        clock: Clock,
        library: VideoLibrary,
        photos: PhotoShelf,
        config: MakerConfig | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self._catalogue = catalogue
        self._health = health
        self._clock = clock
        self._library = library
        self._photos = photos
        self._config = config or MakerConfig()
        self._planner = Planner(catalogue, keys, health, clock)
        self._broken: dict[str, int] = {}

    # --- create ---------------------------------------------------------------------------------

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """Model and key of the next create call; why not, when none can be had."""
        return self._planner.plan(job)

    def first_poll_s(self, model: str) -> float:
        """How long after `accepted` a first look is worth its call, clock seconds."""
        known = self._catalogue.get(model)
        return self._config.schedule.first_s(known) if known else 30.0

    async def create(self, job: Job, task: ProviderTask, intent: Intent) -> Accepted | Failed:
        """Fetch and upload the photo, let the intent be recorded, then create the task, once."""
        model = self._catalogue.get(task.model)
        if model is None:
            failure = Failure(
                source="kie", step="create", message="no such model here", may_have_arrived=False
            )
            return self._failed(job, task, failure, verdicts.MODEL_GONE)
        key = self._keys.named(task.key)
        url = await self._photos.url(job, task.n, job.request.aspect if model.pads else "", key)
        if isinstance(url, Failed):
            return url if url.failure.source != "kie" else self._failed(job, task, url.failure, url.verdict)
        body = payloads.build(model, job.request, url, self._callback_url(job, task))
        if not await intent():
            failure = Failure(
                source="engine", step="claim", message="the job was taken away", may_have_arrived=False
            )
            return Failed(failure, verdicts.TAKEN_AWAY)
        make = self._client.veo_generate if model.endpoint is Endpoint.VEO else self._client.create_task
        got = await make(key, body)
        if isinstance(got, Failure):
            return self._failed(job, task, got)
        self._health.accepted(task.model, task.key)
        return Accepted(got.task_id)

    def _callback_url(self, job: Job, task: ProviderTask) -> str:
        config = self._config
        if not (config.public_url and config.callback_secret):
            return ""
        return callback.address(config.public_url, config.callback_secret, job.id, task.n)

    # --- poll -----------------------------------------------------------------------------------

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Ask once; download and open the video of a task that succeeded."""
        model = self._catalogue.get(task.model)
        if task.task_id is None or model is None:
            failure = Failure(
                source="kie", step="poll", message="nothing to ask for: no task id or no such model"
            )
            return Failed(failure, verdicts.LOST_TASK, task_dead=True)
        key = self._keys.named(task.key)
        ask = self._client.veo_record_info if model.endpoint is Endpoint.VEO else self._client.record_info
        got = await ask(key, task.task_id)
        if isinstance(got, Failure):
            return self._unanswered(job, task, model, got)
        if got.phase is Phase.RENDERING:
            return self._keep_watching(job, task, model, "" if got.known else got.word)
        if got.phase is Phase.FAILED:
            return self._task_failed(job, task, got)
        self._health.rendered(task.model)
        return await self._collect(job, task, model, key, got)

    def _unanswered(self, job: Job, task: ProviderTask, model: Model, failure: Failure) -> Rendering | Failed:
        """A look that failed. A crowded query or a task not yet known says nothing of the task."""
        verdict = verdicts.of(failure)
        young = self._age_s(task) <= self._config.grace_s
        if young and answers.not_yet_visible(failure):
            return self._keep_watching(job, task, model, "")
        if verdict.reason is Reason.RATE_LIMITED:
            return self._keep_watching(job, task, model, "", verdict.retry_after_s or 10.0)
        if self._age_s(task) > model.hard_s:
            return Failed(failure, verdict, task_dead=True)
        return self._failed(job, task, failure, verdict, replaceable=False)

    def _keep_watching(
        self, job: Job, task: ProviderTask, model: Model, note: str, at_least_s: float = 0.0
    ) -> Rendering | Failed:
        """Still rendering, unless this watch (or all patience with the task) is over."""
        now, age_s = self._clock.now_ms(), self._age_s(task)
        watched_s = (now - (job.stage_since_ms or task.created_ms)) / 1000
        dead = age_s > model.hard_s
        if dead or watched_s > self._config.watch_s:
            text = f"no result after {age_s:.0f} s, watched for {watched_s:.0f} s"
            failure = Failure(source="engine", step="poll", message=text)
            return Failed(failure, verdicts.WATCH_OVER, task_dead=dead)
        next_s = self._config.schedule.next_s(model, age_s)
        left_s = self._config.watch_s - watched_s + 0.1
        return Rendering(max(at_least_s, min(next_s, left_s)), note)

    def _task_failed(self, job: Job, task: ProviderTask, report: TaskReport) -> Failed:
        failure = Failure(
            source="kie",
            step="poll",
            http_status=200,
            code="200",
            fail_code=report.fail_code,
            fail_message=report.fail_message[:2_000],
        )
        return replace(self._failed(job, task, failure), task_dead=True, cost=report.cost)

    async def _collect(
        self, job: Job, task: ProviderTask, model: Model, key: ApiKey, report: TaskReport
    ) -> Rendered | Failed:
        """Download the video of a task that succeeded, and open it."""
        dead = self._age_s(task) > model.hard_s
        if not report.urls:
            failure = Failure(
                source="kie",
                step="poll",
                http_status=200,
                code="200",
                message="success without a video address",
            )
            return Failed(failure, verdicts.BAD_RESPONSE, task_dead=dead, cost=report.cost)
        kept = await self._library.fetch(report.urls[0], key, f"{job.id}-{task.n}")
        if isinstance(kept, Kept):
            self._broken.pop(task.task_id or "", None)
            return Rendered(_video(report.urls[0], task.n, kept), report.cost)
        verdict = verdicts.of_download(kept)
        if verdict.reason is Reason.CORRUPTED_VIDEO:
            dead = dead or self._corrupted_again(task)
        return Failed(kept, verdict, task_dead=dead, cost=report.cost)

    def _corrupted_again(self, task: ProviderTask) -> bool:
        """Whether whole downloads of this task could not be played twice: then the provider's file is bad."""
        count = self._broken.pop(task.task_id or "", 0) + 1
        self._broken[task.task_id or ""] = count
        while len(self._broken) > 256:
            del self._broken[next(iter(self._broken))]
        return count >= 2

    # --- the finished file ----------------------------------------------------------------------

    async def fetch_video(self, video: Video) -> Path | Failure:
        """The file of a rendered video for the courier: from disk, or downloaded and opened again."""
        return await self._library.fetch_video(video, self._keys.first)

    async def drop_videos(self, videos: Sequence[str]) -> None:
        """Delete the files of these videos (SHA-256) from this machine."""
        for sha256 in videos:
            await self._library.drop(sha256)

    # --- shared ---------------------------------------------------------------------------------

    def _age_s(self, task: ProviderTask) -> float:
        return (self._clock.now_ms() - task.created_ms) / 1000

    def _failed(
        self,
        job: Job,
        task: ProviderTask,
        failure: Failure,
        verdict: Verdict | None = None,
        *,
        replaceable: bool = True,
    ) -> Failed:
        """The failure with its verdict, told to the health, and what this job should not try again.

        `replaceable` is False for a task that exists: another key or model would buy a second one.
        """
        verdict = verdict or verdicts.of(failure)
        of_model = failure.step == "create" or failure.fail_code or failure.fail_message
        if of_model or verdict.reason in KEY_FAULTS:  # a look or an upload says nothing of the model
            self._health.failed(task.model, task.key, verdict)
        if verdict.reason not in PHOTO_IS_FINE:
            self._photos.forget(job.request.photo)
        refused = verdicts.refuses(verdict, task.model, task.key) if replaceable else ""
        other = bool(refused) and self._planner.another(replace(job, refused=(*job.refused, refused)))
        return Failed(failure, verdict, alternative=other, refused=refused)


def _video(url: str, n: int, kept: Kept) -> Video:
    facts = kept.facts
    return Video(
        url=url,
        task_n=n,
        sha256=kept.sha256,
        size=facts.size,
        width=facts.width,
        height=facts.height,
        duration_s=facts.duration_s,
    )
