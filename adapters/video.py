"""What a video file really is: opened and decoded with PyAV, never believed by its name or its sender."""

import io
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from states.vocabulary import Failure

HEAD_FRAMES = 5
THUMB_SIDE = 320
THUMB_BYTES = 200_000
"""Telegram's limits for a thumbnail: JPEG, 320 px, 200 kB."""
MOST_PIXELS = 9_000_000
"""In one picture of a film: more than 4K. Beyond it a file of a few kB would decode to gigabytes."""
MOST_FRAMES = 20_000
"""In a film: five minutes at 60 a second. The end of one is decoded from its last key frame on."""
CORRUPTED = "corrupted_video"


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A playable video: its size in bytes, what it is coded with, and what Telegram needs to show it."""

    size: int
    codec: str
    width: int
    """As shown: a rotated video is measured after its rotation."""
    height: int
    duration_s: float
    frames: int


def probe(path: Path) -> VideoFacts | Failure:
    """Open the file, decode its beginning and its end, and measure it.

    Every packet between is read as well, so a file cut short anywhere is found; only the middle is not
    decoded. The failure's message begins with `corrupted_video`.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return _corrupted("no video stream")
            stream = container.streams.video[0]
            return _measure(container, stream, path.stat().st_size)
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        return _corrupted(f"{type(error).__name__}: {_plain(error)}")


def _measure(container: av.container.InputContainer, stream: VideoStream, size: int) -> VideoFacts | Failure:
    base = float(stream.time_base or 0)
    packets, end = 0, 0
    size_px = (getattr(stream, "width", 0), getattr(stream, "height", 0))  # none when nobody knows the codec
    if size_px[0] * size_px[1] > MOST_PIXELS:
        return _corrupted(f"pictures of {size_px[0]}x{size_px[1]} pixels are too large")
    for packet in container.demux(stream):
        if packet.is_corrupt:
            return _corrupted("damaged packets")
        if packets >= MOST_FRAMES:
            return _corrupted(f"more than {MOST_FRAMES} frames")
        if packet.size and packet.pts is not None:
            packets, end = packets + 1, max(end, packet.pts + (packet.duration or 0))
    container.seek(0)
    head = _decode(container, stream, HEAD_FRAMES)
    if not head or not packets:
        return _corrupted("no frame can be decoded")
    duration_s = end * base
    announced_s = float((stream.duration or 0) * base) or (container.duration or 0) / av.time_base
    if announced_s > 1 and duration_s < announced_s * 0.8:
        return _corrupted(f"ends at {duration_s:.1f} s of {announced_s:.1f} s")
    # the user waits meanwhile: frames that no other one builds on are left out, which halves the work
    stream.codec_context.skip_frame = "NONREF"
    container.seek(max(0, end - 1), stream=stream)
    if not _decode(container, stream, None):
        return _corrupted("the end cannot be decoded")
    turned = head[0].rotation % 180 != 0
    width, height = head[0].width, head[0].height
    return VideoFacts(
        size=size,
        codec=stream.codec_context.name,
        width=height if turned else width,
        height=width if turned else height,
        duration_s=round(duration_s, 3),
        frames=packets,
    )


def _decode(
    container: av.container.InputContainer, stream: VideoStream, limit: int | None
) -> list[VideoFrame]:
    """Up to `limit` frames from here on; only the last one is kept when there is no limit."""
    frames: list[VideoFrame] = []
    for frame in container.decode(stream):
        frames = [*frames, frame] if limit else [frame]
        if limit and len(frames) >= limit:
            break
    return frames


def thumbnail(path: Path) -> bytes | Failure:
    """A JPEG of an early frame, at most 320 px and 200 kB: Telegram's limits."""
    try:
        with av.open(str(path)) as container:
            frames = _decode(container, container.streams.video[0], HEAD_FRAMES)
            if not frames:
                return _corrupted("no frame can be decoded")
            picture: Image.Image = frames[-1].to_image()  # type: ignore[no-untyped-call]
            rotation = frames[-1].rotation
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        return _corrupted(f"{type(error).__name__}: {_plain(error)}")
    if rotation % 360:
        picture = picture.rotate(rotation, expand=True)
    picture.thumbnail((THUMB_SIDE, THUMB_SIDE))
    return _small_jpeg(picture.convert("RGB"))


def _small_jpeg(picture: Image.Image) -> bytes:
    data = b""
    for quality in (85, 60, 35):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= THUMB_BYTES:
            break
    return data


def _plain(error: BaseException) -> str:
    """FFmpeg's sentence without the local path it quotes."""
    return str(getattr(error, "strerror", "") or error)


def _corrupted(why: str) -> Failure:
    return Failure(source="kie", step="download", message=f"{CORRUPTED}: {why}")
