"""Finished videos on disk: fetched once, opened, measured, found again by their content.

KIE keeps results for a day to two weeks; the courier, a re-delivery and a second worker read them here.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from adapters.kie import failures
from adapters.kie.client import KieClient
from adapters.kie.keys import ApiKey
from adapters.video import VideoFacts, probe
from states.job import Video
from states.vocabulary import Failure

RESULT_HOSTS = ("aiquickdraw.com", "redpandaai.co", "kie.ai")
SHA256 = re.compile(r"[0-9a-f]{64}")
GONE = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True)
class Kept:
    """A video file on disk and what it is."""

    path: Path
    sha256: str
    facts: VideoFacts


class VideoLibrary:
    """A directory of videos named by their SHA-256. The oldest go when it grows beyond `keep_bytes`.

    `hosts` are the domains results may come from (with their subdomains); the API's own two hosts always
    count. Any other address is asked for at KIE first, which signs links only for files of its own.
    """

    def __init__(
        self,
        client: KieClient,
        root: Path,
        *,
        hosts: Sequence[str] = RESULT_HOSTS,
        max_bytes: int = 200_000_000,
        keep_bytes: int = 4_000_000_000,
    ) -> None:
        self._client = client
        self._root = root
        self._hosts = tuple(host.lower() for host in hosts)
        self._max_bytes = max_bytes
        self._keep_bytes = keep_bytes
        settings = client.settings
        self._own = {urlsplit(url).netloc.lower() for url in (settings.base_url, settings.file_base_url)}

    async def fetch(self, url: str, key: ApiKey, name: str) -> Kept | Failure:
        """Download, open and measure a result. `name` tells concurrent downloads apart."""
        if not self._trusted(url):
            return await self._by_link(url, key, name)
        got = await self._download(url, name)
        if isinstance(got, Failure) and got.http_status in GONE:
            relinked = await self._by_link(url, key, name)
            return got if isinstance(relinked, Failure) else relinked
        return got

    async def find(self, sha256: str) -> Path | None:
        """The file of that content, checked against its name; None when it is not (or no longer) here."""
        path = self._path(sha256)
        if not sha256 or not await asyncio.to_thread(path.is_file):
            return None
        if await asyncio.to_thread(_sha256, path) == sha256:
            return path
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return None

    async def drop(self, sha256: str) -> None:
        """Delete the file of that content, if it is here."""
        if SHA256.fullmatch(sha256):
            await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)

    async def fetch_video(self, video: Video, key: ApiKey) -> Path | Failure:
        """The file of a rendered video: from disk, or downloaded again and opened again."""
        found = await self.find(video.sha256)
        if found is not None:
            return found
        name = hashlib.sha256(video.url.encode()).hexdigest()[:16]
        kept = await self.fetch(video.url, key, name)
        return kept if isinstance(kept, Failure) else kept.path

    async def _by_link(self, url: str, key: ApiKey, name: str) -> Kept | Failure:
        link = await self._client.download_url(key, url)
        if isinstance(link, Failure):
            return link
        if not (self._trusted(link.url) or _public(link.url)):
            host = urlsplit(link.url).hostname
            return Failure(source="kie", step="download", message=f"refused to download from host {host}")
        return await self._download(link.url, name)

    async def _download(self, url: str, name: str) -> Kept | Failure:
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        part = self._root / f"{name}.{os.getpid()}.part"
        try:
            failure = await self._stream(url, part)
            if failure is not None:
                return failure
            facts = await asyncio.to_thread(probe, part)
            if isinstance(facts, Failure):
                return facts
            return await asyncio.to_thread(self._keep, part, facts)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def _stream(self, url: str, part: Path) -> Failure | None:
        timeouts = self._client.settings.download
        try:
            async with (
                asyncio.timeout(timeouts.total_s),
                self._client.http.stream("GET", url, timeout=timeouts.httpx()) as response,
            ):
                if not response.is_success:
                    await response.aread()
                    return failures.from_stranger("download", response)
                return await self._write(response, part)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            return failures.from_exception("download", error)

    async def _write(self, response: httpx.Response, part: Path) -> Failure | None:
        size = 0
        with await asyncio.to_thread(part.open, "wb") as file:
            async for chunk in response.aiter_bytes(1 << 18):
                size += len(chunk)
                if size > self._max_bytes:
                    text = f"the result is larger than {self._max_bytes} bytes"
                    return Failure(source="kie", step="download", message=text)
                await asyncio.to_thread(file.write, chunk)
        return None

    def _keep(self, part: Path, facts: VideoFacts) -> Kept:
        sha = _sha256(part)
        path = self._path(sha)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        self._prune(path)
        return Kept(path, sha, facts)

    def _prune(self, keep: Path) -> None:
        files = [(path.stat(), path) for path in self._root.glob("*/*.mp4")]
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda item: item[0].st_mtime):
            if total <= self._keep_bytes:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _path(self, sha: str) -> Path:
        return self._root / sha[:2] / f"{sha}.mp4"

    def _trusted(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.netloc.lower() in self._own:
            return True
        host = (parts.hostname or "").lower()
        listed = any(host == name or host.endswith("." + name) for name in self._hosts)
        return listed and (parts.scheme == "https" or host in self._hosts)


def _public(url: str) -> bool:
    """An https address of a named public host: no IP, no port, no local name."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    last = host.rpartition(".")[2]
    return (
        parts.scheme == "https"
        and parts.port is None
        and last.isalpha()
        and last not in ("local", "internal")
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
