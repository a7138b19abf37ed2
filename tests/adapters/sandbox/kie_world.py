"""What the provider sandbox's tests share: a server, a clock in hand and a plain HTTP client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from adapters.sandbox.faults import Fault, Server
from adapters.sandbox.kie_server import SandboxKie
from engine.clock import ManualClock
from engine.randomness import SeededRandomness

COFFEE = Path(__file__).parents[2] / "data" / "coffee.jpg"
KEY = "sandbox-key"
SEEDANCE = "bytedance/seedance-1.5-pro"


@dataclass
class Desk:
    """A client of the sandbox with a clock in hand."""

    kie: SandboxKie
    clock: ManualClock
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        answer = await self.http.request(method, path, **parts)
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    async def upload(self, name: str = "cup.jpg", data: bytes | None = None) -> str:
        files = {"file": (name, COFFEE.read_bytes() if data is None else data, "image/jpeg")}
        got = await self.call("POST", "/api/file-stream-upload", data={"uploadPath": "photos"}, files=files)
        return str(got["data"]["downloadUrl"])

    async def create(self, model: str = SEEDANCE, **fields: Any) -> dict[str, Any]:
        wish = {"prompt": "slow push in", "aspect_ratio": "9:16", "duration": 4, **fields}
        extra = {"callBackUrl": wish.pop("callBackUrl")} if "callBackUrl" in wish else {}
        wish = {name: value for name, value in wish.items() if value is not None}
        return await self.call(
            "POST", "/api/v1/jobs/createTask", json={"model": model, "input": wish, **extra}
        )

    async def task(self, **fields: Any) -> str:
        url = fields.pop("url", None) or await self.upload()
        got = await self.create(input_urls=[url], **fields)
        assert got["code"] == 200, got
        return str(got["data"]["taskId"])

    async def record(self, task: str) -> dict[str, Any]:
        return await self.call("GET", "/api/v1/jobs/recordInfo", params={"taskId": task})

    def fault(self, method: str, **how: Any) -> None:
        self.kie.faults.add(Fault(Server.KIE, method, **how))


@asynccontextmanager
async def open_desk(clock: ManualClock) -> AsyncIterator[Desk]:
    kie = SandboxKie(clock, SeededRandomness(7), {KEY: 1000.0}, webhook_key="hook-key", film_s=0.2)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with kie, httpx.AsyncClient(base_url=kie.url, headers=headers, timeout=20) as http:
        yield Desk(kie, clock, http)
