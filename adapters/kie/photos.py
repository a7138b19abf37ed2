"""The photo on its way to KIE: fetched from Telegram, prepared, uploaded, known here while it is fresh."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from adapters import photo
from adapters.kie import verdicts
from adapters.kie.client import KieClient
from adapters.kie.keys import ApiKey
from engine.ports import Clock, Failed, Randomness
from states.job import Job
from states.vocabulary import ErrorClass, Failure, Verdict

FetchPhoto = Callable[[str], Awaitable[bytes | Failure]]
"""Bytes of a photo by its Telegram file id."""
KEEP = 256


class PhotoShelf:
    """Addresses of uploaded photos. Nothing is stored: KIE deletes uploads after 24 h, so an address is used
    for `ttl_s` at most (clock seconds), by this process only; after that the photo is uploaded again.

    Every failure here says `may_have_arrived=False`: no create call was made.
    """

    def __init__(
        self,
        client: KieClient,
        fetch: FetchPhoto,
        clock: Clock,
        randomness: Randomness,
        *,
        ttl_s: float = 20 * 3600.0,
    ) -> None:
        self._client = client
        self._fetch = fetch
        self._clock = clock
        self._randomness = randomness
        self._ttl_s = ttl_s
        self._urls: dict[tuple[str, str], tuple[str, int]] = {}

    async def url(self, job: Job, n: int, shape: str, key: ApiKey) -> str | Failed:
        """The address of the job's photo in that shape ("" = its own). The name is new for every upload."""
        slot, now = (job.request.photo, shape), self._clock.now_ms()
        url, since = self._urls.get(slot, ("", 0))
        if url and now - since < self._ttl_s * 1000:
            return url
        data = await self._prepared(job, shape)
        if isinstance(data, Failed):
            return data
        got = await self._client.upload(key, data, f"{job.id}-{n}-{self._randomness.token()}.jpg")
        if isinstance(got, Failure):
            return Failed(replace(got, may_have_arrived=False), verdicts.of(got))
        self._urls.pop(slot, None)
        self._urls[slot] = (got.url, now)
        while len(self._urls) > KEEP:
            del self._urls[next(iter(self._urls))]
        return got.url

    def forget(self, photo_id: str) -> None:
        """The provider could not fetch this photo: upload it again next time."""
        for slot in [slot for slot in self._urls if slot[0] == photo_id]:
            del self._urls[slot]

    async def _prepared(self, job: Job, shape: str) -> bytes | Failed:
        data = await self._fetch(job.request.photo)
        if isinstance(data, Failure):
            return Failed(replace(data, may_have_arrived=False), verdicts.of_photo_fetch(data))
        ready = await asyncio.to_thread(photo.prepare, data, shape)
        if isinstance(ready, bytes):
            return ready
        text = (
            f"{ready.reason}: {ready.fact} {ready.measured:g} (limit {ready.limit:g}) {ready.detail}".rstrip()
        )
        failure = Failure(source="engine", step="photo", message=text, may_have_arrived=False)
        return Failed(failure, Verdict(ErrorClass.USER, ready.reason, "photo.prepare"))
