"""KIE.AI over HTTP: one method for each call, an answer or a `Failure` from each, and no retries.

Nothing here repeats a call. Creating a task is not idempotent at KIE (there is no client key and no list
of tasks), so whoever repeats a create decides it with the failure's `may_have_arrived` in hand.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from adapters.kie import answers, failures
from adapters.kie.answers import Credits, Facts, Link, TaskCreated, TaskReport, Uploaded
from adapters.kie.keys import ApiKey
from adapters.outside import json_of
from states.vocabulary import Failure

USER_AGENT = (
    "Mozilla/5.0 (compatible; reelstate)"  # the file host's Cloudflare refuses odd agents (error 1010)
)
LOOPBACK = ("all://127.0.0.1", "all://localhost")
"""The sandbox is reached without the proxy that the environment may name for everything else."""
BODY_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Real seconds for one kind of call: connecting, a pause while writing or reading, and all of it."""

    connect_s: float = 10.0
    write_s: float = 30.0
    read_s: float = 30.0
    total_s: float = 60.0

    def httpx(self) -> httpx.Timeout:
        """As httpx wants it; waiting for a free connection counts as connecting."""
        return httpx.Timeout(
            connect=self.connect_s, write=self.write_s, read=self.read_s, pool=self.connect_s
        )


@dataclass(frozen=True, slots=True)
class KieSettings:
    """Where KIE is and how long to wait for it. The sandbox is two other addresses, nothing else."""

    base_url: str = "https://api.kie.ai"
    file_base_url: str = "https://kieai.redpandaai.co"
    upload: Timeouts = field(default_factory=lambda: Timeouts(write_s=60, read_s=60, total_s=120))
    create: Timeouts = field(default_factory=lambda: Timeouts(read_s=60, total_s=90))
    poll: Timeouts = field(default_factory=lambda: Timeouts(read_s=20, total_s=30))
    download: Timeouts = field(default_factory=lambda: Timeouts(read_s=30, total_s=300))


@dataclass(frozen=True, slots=True)
class Envelope:
    """KIE's wrapping of every answer: the true status is `code`, whatever the HTTP status says."""

    code: str
    message: str
    data: Any


class KieClient:
    """The calls. One pool of connections; close it with `aclose`."""

    def __init__(self, settings: KieSettings | None = None, http: httpx.AsyncClient | None = None) -> None:
        self.settings = settings or KieSettings()
        self.http = http or httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            mounts=dict.fromkeys(LOOPBACK),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def upload(self, key: ApiKey, data: bytes, name: str, folder: str = "photos") -> Uploaded | Failure:
        """Upload a photo. The name must be new (the host's cache keeps old files of the same name) and end
        in `.jpg` (models refuse other addresses without fetching them).
        """
        url = f"{self.settings.file_base_url}/api/file-stream-upload"
        got = await self._send(
            "upload",
            key,
            self.settings.upload,
            "POST",
            url,
            data={"uploadPath": folder, "fileName": name},
            files={"file": (name, data, "image/jpeg")},
        )
        if isinstance(got, Failure):
            return got
        response, envelope = got
        if isinstance(envelope.data, Mapping):
            for field_name in ("downloadUrl", "fileUrl"):
                if envelope.data.get(field_name):
                    return Uploaded(str(envelope.data[field_name]))
        return failures.malformed(
            "upload", response, envelope.code, envelope.message or "no downloadUrl", key.value
        )

    async def create_task(self, key: ApiKey, payload: Mapping[str, Any]) -> TaskCreated | Failure:
        """Create a market task. Called once a plan; never repeated here."""
        return await self._create(key, "/api/v1/jobs/createTask", payload)

    async def veo_generate(self, key: ApiKey, payload: Mapping[str, Any]) -> TaskCreated | Failure:
        """Create a Veo task, by Veo's own endpoint."""
        return await self._create(key, "/api/v1/veo/generate", payload)

    async def record_info(self, key: ApiKey, task_id: str) -> TaskReport | Failure:
        """How far a market task is."""
        return await self._report(key, "/api/v1/jobs/recordInfo", task_id)

    async def veo_record_info(self, key: ApiKey, task_id: str) -> TaskReport | Failure:
        """How far a Veo task is."""
        return await self._report(key, "/api/v1/veo/record-info", task_id)

    async def credits(self, key: ApiKey) -> Credits | Failure:
        """What is left on the account: also the cheapest proof that a key works."""
        got = await self._get(key, "/api/v1/chat/credit")
        if isinstance(got, Failure):
            return got
        response, envelope = got
        amount = answers.number(envelope.data)
        if amount is None:
            return failures.malformed(
                "poll", response, envelope.code, "the balance is not a number", key.value
            )
        return Credits(amount)

    async def models(self, key: ApiKey) -> frozenset[str] | Failure:
        """Ids of the models KIE offers now; free of charge."""
        facts = await self._facts(key, "/api/v1/models")
        return facts if isinstance(facts, Failure) else answers.model_ids(facts.data)

    async def model_schema(self, key: ApiKey, model_id: str) -> Facts | Failure:
        """The input schema of a model; free. An unknown model is body code 404."""
        return await self._facts(key, f"/api/v1/models/{quote(model_id)}/schema")

    async def model_price(self, key: ApiKey, model_id: str) -> Facts | Failure:
        """The price of a model; free. An unknown model is body code 404."""
        return await self._facts(key, f"/api/v1/models/{quote(model_id)}/price")

    async def download_url(self, key: ApiKey, url: str) -> Link | Failure:
        """A fresh link for a result. KIE refuses addresses that are not its own (422 `url is wrong`)."""
        address = f"{self.settings.base_url}/api/v1/common/download-url"
        got = await self._send("download", key, self.settings.poll, "POST", address, json={"url": url})
        if isinstance(got, Failure):
            return got
        response, envelope = got
        if isinstance(envelope.data, str) and envelope.data.startswith("http"):
            return Link(envelope.data)
        return failures.malformed("download", response, envelope.code, "no link in the answer", key.value)

    async def _create(self, key: ApiKey, path: str, payload: Mapping[str, Any]) -> TaskCreated | Failure:
        url = self.settings.base_url + path
        got = await self._send("create", key, self.settings.create, "POST", url, json=dict(payload))
        if isinstance(got, Failure):
            return got
        response, envelope = got
        created = answers.task_created(envelope.data)
        text = envelope.message or "no task id in the answer"
        return created or failures.malformed("create", response, envelope.code, text, key.value)

    async def _report(self, key: ApiKey, path: str, task_id: str) -> TaskReport | Failure:
        got = await self._get(key, path, {"taskId": task_id})
        if isinstance(got, Failure):
            return got
        response, envelope = got
        report = answers.task_report(envelope.data)
        return report or failures.malformed("poll", response, envelope.code, "record is null", key.value)

    async def _facts(self, key: ApiKey, path: str) -> Facts | Failure:
        got = await self._get(key, path)
        return got if isinstance(got, Failure) else Facts(got[1].data)

    async def _get(
        self, key: ApiKey, path: str, params: Mapping[str, str] | None = None
    ) -> tuple[httpx.Response, Envelope] | Failure:
        url = self.settings.base_url + path
        return await self._send("poll", key, self.settings.poll, "GET", url, params=params)

    async def _send(
        self, step: str, key: ApiKey, timeouts: Timeouts, method: str, url: str, **parts: Any
    ) -> tuple[httpx.Response, Envelope] | Failure:
        """One call; KIE's envelope when its code is 200, the failure otherwise."""
        headers = {"Authorization": f"Bearer {key.value}"}
        try:
            async with asyncio.timeout(timeouts.total_s):
                response = await self.http.request(
                    method, url, headers=headers, timeout=timeouts.httpx(), **parts
                )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            return failures.from_exception(step, error, key.value)
        return read(step, response, key.value)


def read(step: str, response: httpx.Response, secret: str = "") -> tuple[httpx.Response, Envelope] | Failure:
    """The envelope of an answer when it says 200 and means it."""
    try:
        body = json_of(response.content) if len(response.content) <= BODY_LIMIT else None
    except ValueError:
        body = None
    if not isinstance(body, Mapping) or not ({"code", "msg", "data"} & body.keys()):
        return failures.from_stranger(step, response, secret)
    code = str(body.get("code", response.status_code)).strip()
    message = str(body.get("msg") or body.get("message") or body.get("errorMessage") or "")
    if code == "200" and response.is_success:
        return response, Envelope(code, message, body.get("data"))
    inner = answers.task_report(body.get("data")) if step == "poll" and response.is_success else None
    if inner is not None and inner.phase is not answers.Phase.RENDERING:
        return response, Envelope(code, message, body.get("data"))  # the task's own word beats the envelope's
    return failures.from_envelope(step, response, code, message, secret)
