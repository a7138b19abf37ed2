"""KIE.AI's HTTP API on loopback: uploads, tasks, films, webhooks, balance, as the real one speaks it.

`SandboxKie` is the demo's and the tests' provider. HTTP says 200 to nearly everything and the body's `code`
tells the truth, keys are checked, models refuse wrong fields in KIE's own words, and a task becomes a film
of the photo that was uploaded. Facts: docs.kie.ai and recorded traffic; the shapes of schema and price and
the texts of refused uploads are our own, nobody has recorded them.
"""

import asyncio
import base64
import binascii
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from typing import Any, Self
from urllib.parse import quote

from aiohttp import web

from adapters.sandbox.faults import Fault, FaultPlan, Server
from adapters.sandbox.kie_films import Hold, Studio
from adapters.sandbox.kie_models import SPECS, Spec
from adapters.sandbox.kie_panel import add_panel
from adapters.sandbox.kie_reports import record, veo_record
from adapters.sandbox.kie_tasks import Account, Fate, KieState, Refused, Task
from adapters.sandbox.kie_wire import Reply, envelope, file_or_404, json_of, perform, plain
from engine.ports import Clock, Randomness

BODY_LIMIT = 100 * 1024 * 1024
STOP_TIMEOUT_S = 1.0
NULL_RECORD_S = 2.0
"""How long a new task is not yet visible, clock seconds (90 at worst in the field)."""

Call = Callable[[web.Request, Account, Mapping[str, Any]], Awaitable[Reply]]


class SandboxKie:
    """One provider. Not started by itself: `await start()`, or `async with`.

    `keys` are API keys with their balances in credits. `film_s` is the longest film made, seconds of video.
    `webhook_key` switches signed webhooks on. `state` has the levers (`retire`, `set_balance` ...).
    """

    def __init__(  # noqa: PLR0913 - the knobs of a whole server, keywords all of them
        self,
        clock: Clock,
        randomness: Randomness,
        keys: Mapping[str, float],
        *,
        faults: FaultPlan | None = None,
        webhook_key: str = "",
        film_s: float = 5.0,
        host: str = "127.0.0.1",
        port: int = 0,
        hold: Hold = nullcontext,
    ) -> None:
        self.faults = faults if faults is not None else FaultPlan()
        self.state = KieState(clock, randomness, keys)
        self._studio = Studio(self.state, self.faults, film_s, webhook_key, hold)
        self._host, self._port = host, port
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.app = self._routes()

    @property
    def url(self) -> str:
        """Its address, for the API and for files alike."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        self._studio.base = self.url

    async def stop(self) -> None:
        """End what hangs, give up unfinished films, close the port."""
        self._stopping.set()
        await self._studio.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- the wire -------------------------------------------------------------------------------

    def _routes(self) -> web.Application:
        app = web.Application(client_max_size=BODY_LIMIT)
        add = app.router.add_route
        add("POST", "/api/file-stream-upload", self._upload(self._stream))
        add("POST", "/api/file-base64-upload", self._upload(self._base64))
        add("POST", "/api/file-url-upload", self._upload(self._from_url))
        add("POST", "/api/v1/jobs/createTask", self._endpoint("createTask", self._create))
        add("POST", "/api/v1/veo/generate", self._endpoint("createTask", self._create_veo))
        add("GET", "/api/v1/jobs/recordInfo", self._endpoint("recordInfo", self._record))
        add("GET", "/api/v1/veo/record-info", self._endpoint("recordInfo", self._veo_record))
        add("GET", "/api/v1/chat/credit", self._endpoint("credit", self._credit))
        add("GET", "/api/v1/models", self._endpoint("models", self._models))
        add(
            "GET",
            "/api/v1/models/{id:.+}/{what:schema|price|success-rate}",
            self._endpoint("models", self._model),
        )
        add("POST", "/api/v1/common/download-url", self._endpoint("downloadUrl", self._download_url))
        add("GET", "/results/{task}/{name}", self._result)
        add("GET", "/kieai/{path:.+}", self._uploaded)
        add_panel(app, self.state, self.faults)
        return app

    def _endpoint(self, name: str, call: Call) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A JSON call with a key. Create calls are counted however they end."""

        async def handle(request: web.Request) -> web.StreamResponse:
            body = await json_of(request)
            if name == "createTask":
                self.state.creates += 1
            context = {
                "path": request.path,
                "model": body.get("model", ""),
                "task_id": request.query.get("taskId", ""),
            }
            fault = self.faults.take(Server.KIE, name, context)
            return await self._perform(request, fault, lambda: call(request, self._account(request), body))

        return handle

    def _upload(self, call: Call) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """An upload: its fault is taken before the body is read, so it can cut it off."""

        async def act(request: web.Request) -> Reply:
            account = self._account(request)
            body = {} if request.content_type.startswith("multipart/") else await json_of(request)
            return await call(request, account, body)

        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self.faults.take(Server.KIE, "upload", {"path": request.path})
            return await self._perform(request, fault, lambda: act(request))

        return handle

    async def _perform(
        self, request: web.Request, fault: Fault | None, act: Callable[[], Awaitable[Reply]]
    ) -> web.StreamResponse:
        return await perform(request, fault, act, self._stopping)

    def _account(self, request: web.Request) -> Account:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return self.state.account(key.strip() if scheme.lower() == "bearer" else "")

    # --- uploads --------------------------------------------------------------------------------

    async def _stream(self, request: web.Request, account: Account, _: Mapping[str, Any]) -> Reply:
        form = await request.post()
        part = form.get("file")
        if not isinstance(part, web.FileField):
            raise Refused(400, "File cannot be empty")
        data = part.file.read()
        name = str(form.get("fileName") or part.filename)
        return self._stored(account, data, str(form.get("uploadPath") or ""), name, part.content_type)

    async def _base64(self, _: web.Request, account: Account, body: Mapping[str, Any]) -> Reply:
        raw = str(body.get("base64Data") or "")
        head, comma, tail = raw.partition(",")
        try:
            data = base64.b64decode(tail if comma and head.startswith("data:") else raw, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(400, "Invalid Base64 format") from None
        mime = head.removeprefix("data:").partition(";")[0] if comma else ""
        return self._stored(
            account, data, str(body.get("uploadPath") or ""), str(body.get("fileName") or ""), mime
        )

    async def _from_url(self, _: web.Request, account: Account, body: Mapping[str, Any]) -> Reply:
        url = str(body.get("fileUrl") or "")
        data = await self._studio.fetch(url)
        if data is None:
            raise Refused(400, "File download failed")
        name = str(body.get("fileName") or url.rsplit("/", 1)[-1])
        return self._stored(account, data, str(body.get("uploadPath") or ""), name, "")

    def _stored(self, account: Account, data: bytes, folder: str, name: str, mime: str) -> Reply:
        if not data or not folder:
            raise Refused(400, "This field is required")
        path = (
            f"{account.name}/{folder.strip('/')}/{name.rsplit('/', 1)[-1] or f'file-{len(self.state.files)}'}"
        )
        mime = mime or mimetypes.guess_type(path)[0] or "application/octet-stream"
        self.state.store(path, data, mime)
        stored = {
            "success": True,
            "fileName": path.rsplit("/", 1)[-1],
            "filePath": f"kieai/{path}",
            "downloadUrl": f"{self.url}/kieai/{quote(path)}",
            "fileSize": len(data),
            "mimeType": mime,
            "uploadedAt": self.state.clock.now_ms(),
        }
        return plain({"success": True, "code": 200, "msg": "File uploaded successfully", "data": stored})

    # --- tasks ----------------------------------------------------------------------------------

    async def _create(self, _: web.Request, account: Account, body: Mapping[str, Any]) -> Reply:
        return self._created(account, SPECS.get(str(body.get("model", ""))), body, veo=False)

    async def _create_veo(self, _: web.Request, account: Account, body: Mapping[str, Any]) -> Reply:
        return self._created(account, SPECS.get(str(body.get("model", "veo3_fast"))), body, veo=True)

    def _created(self, account: Account, found: Spec | None, body: Mapping[str, Any], *, veo: bool) -> Reply:
        spec = self.state.check(account, found, body, veo=veo)
        fate = Fate.of(self.faults.take(Server.KIE, "render", {"model": spec.id}))
        task = self.state.create(account, spec, body, fate)
        self._studio.begin(task)
        return envelope({"taskId": task.id} if veo else {"taskId": task.id, "recordId": task.id})

    async def _record(self, request: web.Request, _: Account, __: Mapping[str, Any]) -> Reply:
        task = await self._seen(request, "recordInfo is null", veo=False)
        return envelope(record(task, self._studio.address(task), self.state.clock.now_ms()))

    async def _veo_record(self, request: web.Request, _: Account, __: Mapping[str, Any]) -> Reply:
        task = await self._seen(request, "record is null.", veo=True)
        return envelope(veo_record(task, self._studio.address(task), self.state.clock.now_ms()))

    async def _seen(self, request: web.Request, null: str, *, veo: bool) -> Task:
        task = self.state.tasks.get(request.query.get("taskId", ""))
        if task is None or task.spec.veo != veo:
            raise Refused(422, null)
        young = self.state.clock.now_ms() - task.created_ms < NULL_RECORD_S * 1000
        if young and task.duration_ms > 2 * NULL_RECORD_S * 1000:
            raise Refused(422, null)
        await self._studio.settled(task)
        self.state.settle()
        return task

    # --- facts and files ------------------------------------------------------------------------

    async def _credit(self, _: web.Request, account: Account, __: Mapping[str, Any]) -> Reply:
        self.state.settle()
        return envelope(account.balance)

    async def _models(self, _: web.Request, __: Account, ___: Mapping[str, Any]) -> Reply:
        offered = [{"id": name} for name in SPECS if name not in self.state.retired]
        return envelope({"models": offered, "total": len(offered)})

    async def _model(self, request: web.Request, _: Account, __: Mapping[str, Any]) -> Reply:
        spec = SPECS.get(request.match_info["id"])
        if spec is None or spec.id in self.state.retired:
            raise Refused(404, "Model not found")
        if request.match_info["what"] == "price":
            return envelope(
                {"model": spec.id, "creditsPerSecond": spec.credits_per_s, "credits": spec.credits_per_clip}
            )
        fields = {
            "image": spec.image_field,
            "required": list(spec.required),
            "duration": list(spec.durations),
        }
        return envelope({"model": spec.id, **fields})

    async def _download_url(self, _: web.Request, __: Account, body: Mapping[str, Any]) -> Reply:
        url = str(body.get("url", ""))
        if not url.startswith(f"{self.url}/"):
            raise Refused(422, "url is wrong")
        return envelope(url)

    async def _result(self, request: web.Request) -> web.StreamResponse:
        task = self.state.tasks.get(request.match_info["task"])
        context = {"task_id": task.id, "model": task.spec.id} if task else {}
        fault = self.faults.take(Server.KIE, "download", context)

        async def act() -> Reply:
            over = task is not None and task.over(self.state.clock.now_ms())
            data = await self._studio.film(task) if task is not None and over else None
            return file_or_404(data, "video/mp4", request)

        return await self._perform(request, fault, act)

    async def _uploaded(self, request: web.Request) -> web.StreamResponse:
        async def act() -> Reply:
            found = self.state.stored(request.match_info["path"])
            return file_or_404(found.data if found else None, found.mime if found else "", request)

        return await self._perform(request, None, act)
