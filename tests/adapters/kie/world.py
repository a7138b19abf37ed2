"""A small KIE of the tests: real HTTP on loopback, answers as scripted, requests remembered."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import web

from adapters.kie.catalogue import Catalogue
from adapters.kie.client import KieClient, KieSettings, Timeouts
from adapters.kie.keys import ApiKey, KeyHealth, KeyRing, LocalHealth
from adapters.kie.library import VideoLibrary
from adapters.kie.maker import KieMaker, MakerConfig
from adapters.kie.photos import PhotoShelf
from engine.clock import ManualClock
from engine.randomness import SeededRandomness
from states.job import Job, ProviderTask, Request, TaskStatus
from states.vocabulary import Failure, State

SECRET = "sk-test-0123456789abcdef"  # noqa: S105 a made-up key, to be looked for in outputs
KEY = ApiKey("main", SECRET)
SPARE = ApiKey("spare", "sk-test-fedcba9876543210")
COFFEE = Path(__file__).parents[2] / "data" / "coffee.jpg"
SEEDANCE = "bytedance/seedance-1.5-pro"
CREATE, RECORD = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
VEO_CREATE, VEO_RECORD = "/api/v1/veo/generate", "/api/v1/veo/record-info"
UPLOAD, LINK = "/api/file-stream-upload", "/api/v1/common/download-url"
FAST = Timeouts(connect_s=2, write_s=2, read_s=2, total_s=3)

Answer = Callable[[web.Request], web.StreamResponse] | dict[str, Any] | str


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeKie:
    url: str = ""
    script: dict[str, list[Answer]] = field(default_factory=dict)
    """Answers by path, in order; the last one is repeated."""
    seen: list[Seen] = field(default_factory=list)

    def answers(self, path: str, *answers: Answer) -> None:
        self.script[path] = list(answers)

    def to(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Seen(request.path, dict(request.headers), body, dict(request.query)))
        left = self.script.get(request.path)
        if request.path == UPLOAD and not left:
            name = re.search(rb'filename="([^"]+)"', body)
            address = f"{self.url}/files/{name.group(1).decode() if name else 'none'}"
            return web.json_response({"success": True, "code": 200, "data": {"downloadUrl": address}})
        if not left:
            return web.json_response({"code": 404, "msg": "no such page", "data": None})
        answer = left.pop(0) if len(left) > 1 else left[0]
        if callable(answer):
            return answer(request)
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="text/html")
        return web.json_response(answer)


@asynccontextmanager
async def fake_kie() -> AsyncIterator[FakeKie]:
    kie = FakeKie()
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{tail:.*}", kie.handle)
    async with serving(app) as url:
        kie.url = url
        yield kie


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def broken_server(answer: bytes | None) -> AsyncIterator[str]:
    """Reads a request, writes `answer` (None: never answers) and hangs up."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        if answer is not None:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def client_of(url: str, timeouts: Timeouts = FAST) -> AsyncIterator[KieClient]:
    settings = KieSettings(url, url, upload=timeouts, create=timeouts, poll=timeouts, download=timeouts)
    client = KieClient(settings)
    try:
        yield client
    finally:
        await client.aclose()


@dataclass
class Shop:
    """A maker and everything around it."""

    kie: FakeKie
    maker: KieMaker
    clock: ManualClock
    health: KeyHealth
    library: VideoLibrary
    photo: bytes | Failure


@asynccontextmanager
async def shop(
    tmp_path: Path,
    *,
    keys: tuple[ApiKey, ...] = (KEY,),
    catalogue: Catalogue | None = None,
    config: MakerConfig | None = None,
) -> AsyncIterator[Shop]:
    async with fake_kie() as kie, client_of(kie.url) as client:
        clock = ManualClock()
        health = LocalHealth(clock)
        library = VideoLibrary(client, tmp_path / "videos")
        opened = Shop.__new__(Shop)

        async def fetch(file_id: str) -> bytes | Failure:
            return opened.photo

        maker = KieMaker(
            client=client,
            keys=KeyRing(keys),
            catalogue=catalogue or Catalogue(),
            health=health,
            clock=clock,
            library=library,
            photos=PhotoShelf(client, fetch, clock, SeededRandomness(1)),
            config=config,
        )
        opened.__init__(kie, maker, clock, health, library, COFFEE.read_bytes())  # type: ignore[misc]
        yield opened


def a_job(clock: ManualClock, *, model: str = SEEDANCE, refused: tuple[str, ...] = (), **more: Any) -> Job:
    request = Request(chat_id=1, photo="file-1", template="spin", prompt="с паром", model=model)
    now = clock.now_ms()
    return Job(
        id="job1",
        user_id=7,
        state=State.GENERATING,
        graph="g",
        request=request,
        cost=1,
        created_ms=now,
        deadline_ms=now + 3_600_000,
        stage_since_ms=now,
        refused=refused,
        **more,
    )


def a_task(
    clock: ManualClock, *, model: str = SEEDANCE, key: str = "main", task_id: str | None = "t1"
) -> ProviderTask:
    return ProviderTask(1, model, key, TaskStatus.OPEN, clock.now_ms(), task_id)


async def intended() -> bool:
    """The intent is recorded; go on."""
    return True


def ok(data: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": data}


def record(state: str, **fields: Any) -> dict[str, Any]:
    """recordInfo as on the wire, with a `param` full of traps."""
    trap = {"prompt": "adult content failed https://evil.example/a.mp4"}
    body = {
        "taskId": "t1",
        "model": SEEDANCE,
        "state": state,
        "param": json.dumps({"input": json.dumps(trap)}),
    }
    return ok({**body, "resultJson": "", "failCode": None, "failMsg": None, **fields})


def film(path: Path, *, seconds: float = 1.0, size: tuple[int, int] = (144, 256)) -> bytes:
    """A small real MP4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for n in range(round(seconds * 24)):
            shade = np.full((size[1], size[0], 3), (n * 5) % 255, dtype=np.uint8)
            shade[: size[1] // 2] = np.linspace(0, 255, size[0], dtype=np.uint8)[None, :, None]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        out.mux(stream.encode())
    return path.read_bytes()


def file_answer(data: bytes) -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.Response(body=data, content_type="video/mp4")
