"""A real browser for tests of pages: headless Chromium over its own protocol, no driver in between."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientWebSocketResponse

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
)


def chromium() -> str | None:
    """The browser of this machine, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(slots=True)
class Tab:
    """One page. `complaints`: errors and warnings of its console; `asked`: every address it wanted."""

    socket: ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _answers: dict[int, "asyncio.Future[Any]"] = field(default_factory=dict)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0

    async def call(self, method: str, **given: Any) -> Any:
        """One command of the protocol."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": self._number, "method": method, "params": given})
        return await asyncio.wait_for(answer, 60)

    async def open(self, url: str) -> None:
        """Go there and wait until it has loaded."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), 60)

    async def look(self, wide: int, high: int, *, dark: bool = False) -> None:
        """The size of the window, and what the reader prefers."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def run(self, script: str) -> Any:
        """What an expression of the page comes to; a promise is awaited."""
        done = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def press(self, key: str) -> None:
        """A key of the keyboard."""
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key)

    async def picture(self) -> bytes:
        """What it looks like, as PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])

    def foreign(self) -> list[str]:
        """Addresses it asked that are neither its own origin nor inside the page."""
        home = _origin(self.asked[0])
        return [url for url in self.asked if _origin(url)[0] not in ("data", "blob") and _origin(url) != home]

    async def listen(self) -> None:
        """Sort what the browser says."""
        async for message in self.socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if "error" in said:
                    answer.set_exception(RuntimeError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            else:
                self._heard(said["method"], said["params"])

    def _heard(self, method: str, params: Mapping[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A browser with an empty page; it ends with the block."""
    found = chromium()
    assert found is not None
    with tempfile.TemporaryDirectory(prefix="reel") as folder:
        alone = ("--no-sandbox",) if os.geteuid() == 0 else ()
        process = await asyncio.create_subprocess_exec(
            found, *FLAGS, *alone, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(60):
                address = await _address(process)
            async with ClientSession() as http:
                async with http.get(f"http://{address}/json/list") as answer:
                    (page,) = [one for one in await answer.json() if one["type"] == "page"]
                async with http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    opened = Tab(socket)
                    ear = asyncio.create_task(opened.listen())
                    try:
                        yield opened
                    finally:
                        ear.cancel()
        finally:
            process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Host and port the browser listens on, from its first words."""
    assert process.stderr is not None
    async for line in process.stderr:
        if b"ws://" in line:
            return urlsplit(line.split()[-1].decode()).netloc
    raise RuntimeError("the browser ended before it listened")
