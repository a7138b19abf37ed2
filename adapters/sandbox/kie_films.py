"""The films of the sandbox's provider: made in the background from a task's photo, kept, and called back."""

import asyncio
import base64
import hashlib
import hmac
import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import unquote, urlsplit

import aiohttp
from PIL import Image

from adapters.sandbox.faults import FaultPlan, Server
from adapters.sandbox.kie_models import film_of
from adapters.sandbox.kie_reports import callback
from adapters.sandbox.kie_tasks import Fate, KieState, Outcome, Task
from adapters.sandbox.render import NotAPhotoError, Renderer, corrupted

CALLBACK_TIMEOUT_S = 15.0
CALLBACK_RETRIES = 3
CALLBACK_PAUSE_S = 5.0
"""Clock seconds between two tries of a webhook."""
FETCH_TIMEOUT_S = 30.0
FETCH_LIMIT = 100 * 1024 * 1024
NOT_FETCHED = ("400", "Image fetch failed. Check access settings or use our File Upload API instead.")
NOT_PROCESSED = ("400", "The current content could not be processed")
NOT_AN_IMAGE = ("400", "File type not supported")
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


Hold = Callable[[], AbstractContextManager[None]]
"""Entered while a film is really being made: a fast clock may stand still meanwhile."""


class Studio:
    """Renders tasks and tells of their end. One per provider; `base` is its own address, once it listens."""

    def __init__(
        self, state: KieState, faults: FaultPlan, film_s: float, webhook_key: str, hold: Hold = nullcontext
    ) -> None:
        self._state = state
        self._faults = faults
        self._film_s = film_s
        self._webhook_key = webhook_key.encode()
        self._hold = hold
        self._renderer = Renderer()
        self._made: dict[str, asyncio.Task[bytes | None]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self.base = ""

    def begin(self, task: Task) -> None:
        """Start making the film of a new task, and promise its webhook."""
        self._made[task.id] = asyncio.create_task(self._make(task))
        url = task.body.get("callBackUrl")
        if isinstance(url, str) and url:
            call = asyncio.create_task(self._call_back(task, url))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    def address(self, task: Task) -> str:
        """Where the film will lie: no key is needed there."""
        return f"{self.base}/results/{task.id}/film.mp4"

    async def film(self, task: Task) -> bytes | None:
        """The file as it will be downloaded, when it is ready; None when there is none."""
        made = self._made.get(task.id)
        return None if made is None else await asyncio.shield(made)

    async def settled(self, task: Task) -> None:
        """Wait for the film when the clock says that it is over: a fast clock may outrun the renderer."""
        if task.over(self._state.clock.now_ms()):
            await self.film(task)

    async def fetch(self, url: str) -> bytes | None:
        """A file by its address: our own uploads directly, others over HTTP. None when it cannot be had."""
        if self.base and url.startswith(f"{self.base}/kieai/"):
            stored = self._state.stored(unquote(urlsplit(url).path).removeprefix("/kieai/"))
            return None if stored is None else stored.data
        try:
            async with self._session().get(url, timeout=aiohttp.ClientTimeout(FETCH_TIMEOUT_S)) as answer:
                data = await answer.content.read(FETCH_LIMIT + 1)
                whole = answer.status == 200 and len(data) <= FETCH_LIMIT
                return data if whole else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    async def close(self) -> None:
        """Give up what is under way."""
        running = [*self._calls, *self._made.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    # --- making ---------------------------------------------------------------------------------

    async def _make(self, task: Task) -> bytes | None:
        if task.fate.fails or task.fate.state or task.fate.video is Outcome.NONE:
            return None
        urls = task.spec.images_of(task.fields)
        if not urls or not urlsplit(urls[0]).path.lower().endswith(IMAGE_ENDINGS):
            self._fail(task, NOT_PROCESSED)  # refused without being fetched, as KIE does
            return None
        photo = await self.fetch(urls[0])
        if photo is None:
            self._fail(task, NOT_FETCHED)
            return None
        try:
            film = film_of(task.fields, task.spec, _shape(photo), self._film_s)
            with self._hold():
                made = await self._renderer.film(photo, film)
        except NotAPhotoError:
            self._fail(task, NOT_AN_IMAGE)
            return None
        return corrupted(made) if task.fate.video is Outcome.CORRUPTED else made

    def _fail(self, task: Task, why: tuple[str, str]) -> None:
        task.fate = Fate(fail_code=why[0], fail_msg=why[1])
        if task.settled:  # somebody looked before the photo was
            task.account.balance += task.cost

    # --- telling --------------------------------------------------------------------------------

    async def _call_back(self, task: Task, url: str) -> None:
        """The webhook: up to three retries; may be lost, slow or doubled by a fault on `callback`."""
        if task.fate.state:
            return
        clock = self._state.clock
        await clock.sleep(max(0.0, (task.ends_ms - clock.now_ms()) / 1000))
        await self.film(task)
        for n in range(1 + CALLBACK_RETRIES):
            if n:
                await clock.sleep(CALLBACK_PAUSE_S)
            if await self._delivered(task, url):
                return

    async def _delivered(self, task: Task, url: str) -> bool:
        fault = self._faults.take(Server.KIE, "callback", {"task_id": task.id, "model": task.spec.id})
        copies = 1
        if fault is not None:
            await asyncio.sleep(fault.delay_s)
            if not fault.acts:
                return False
            body = fault.answer.body if fault.answer is not None else {}
            copies = int(body.get("copies", 2)) if isinstance(body, Mapping) and fault.answer else 1
        sent = [await self._post(task, url) for _ in range(copies)]
        return all(sent)

    async def _post(self, task: Task, url: str) -> bool:
        body = callback(task, self.address(task), self._state.clock.now_ms())
        timeout = aiohttp.ClientTimeout(CALLBACK_TIMEOUT_S)
        try:
            async with self._session().post(
                url, json=body, headers=self._signed(task.id), timeout=timeout
            ) as got:
                return got.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False

    def _signed(self, task_id: str) -> dict[str, str]:
        """Webhook headers, when a key is set: the task id and the time are signed, the body is not."""
        if not self._webhook_key:
            return {}
        stamp = str(self._state.clock.now_ms() // 1000)
        digest = hmac.new(self._webhook_key, f"{task_id}.{stamp}".encode(), hashlib.sha256).digest()
        return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": base64.b64encode(digest).decode()}


def _shape(photo: bytes) -> float:
    """Width over height; raises `NotAPhotoError`."""
    try:
        with Image.open(io.BytesIO(photo)) as image:
            return image.width / image.height
    except (OSError, SyntaxError, Image.DecompressionBombError) as trouble:
        raise NotAPhotoError("not a picture") from trouble
