"""Where the sandbox's camera looks: shots, easing and the point of interest. Pure geometry."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture in shares of its width and height, 0..1."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Look:
    """Where the camera is, in shares of the scene: `x`, `y` the middle of the view, `high` its height."""

    x: float
    y: float
    high: float


@dataclass(frozen=True, slots=True)
class Shot:
    """One move of the camera between two looks, from frame `first` to frame `last`.

    `shape` is the view's width over height, in shares of the scene.
    """

    start: Look
    end: Look
    first: int
    last: int
    shape: float

    def progress(self, n: int) -> float:
        """Eased 0..1 at frame `n`: never stands still, starts and ends softly."""
        linear = min(1.0, max(0.0, (n - self.first) / max(1, self.last - self.first)))
        eased = 0.5 - 0.5 * math.cos(math.pi * linear)
        return 0.45 * linear + 0.55 * eased

    def box(self, at: float) -> Box:
        """The part of the scene in view. Zooming is even in proportion, not in size: it looks steady."""
        high = self.start.high * (self.end.high / self.start.high) ** at
        wide = high * self.shape
        if wide > 1.0:
            high, wide = 1.0 / self.shape, 1.0
        x = self.start.x + (self.end.x - self.start.x) * at
        y = self.start.y + (self.end.y - self.start.y) * at
        left = min(max(0.0, x - wide / 2), 1 - wide)
        top = min(max(0.0, y - high / 2), 1 - high)
        return Box(left, top, left + wide, top + high)


@dataclass(frozen=True, slots=True)
class Film:
    """What is asked for: size in pixels (even), length in seconds, frames a second."""

    width: int = 720
    height: int = 1280
    seconds: float = 5.0
    fps: int = 24

    @property
    def frames(self) -> int:
        """How many frames the film has."""
        return max(2, round(self.seconds * self.fps))

    def fade(self, n: int) -> float:
        """How much of the second shot is seen at frame `n`."""
        linear = min(1.0, max(0.0, (n - self._cut) / (self.fps * _FADE_S)))
        return linear * linear * (3 - 2 * linear)

    def sweep(self, n: int) -> float:
        """Where the light is at frame `n`, 0 left of the picture, 1 right of it."""
        linear = min(1.0, max(0.0, (n / self.frames - 0.12) / 0.7))
        return linear * linear * (3 - 2 * linear)

    def scene(self, width: int, height: int) -> tuple[int, int]:
        """How large the photo must become for the widest view: at most half as much again."""
        own = self.width / self.height
        if width / height > own:
            return width, max(height, min(round(height * _BEYOND), round(width / own)))
        return max(width, min(round(width * _BEYOND), round(height * own))), height

    def shots(
        self, photo: tuple[int, int], scene: tuple[int, int], focus: tuple[float, float]
    ) -> tuple[Shot, Shot]:
        """A push towards the focus, then a closer drift past it. `focus` is in shares of the photo."""
        x, y = (0.5 + (f - 0.5) * p / s for f, p, s in zip(focus, photo, scene, strict=True))
        shape = self.width / self.height * scene[1] / scene[0]
        near = min(photo[1] / scene[1], photo[0] / scene[0] / shape)
        side = 0.06 if x <= 0.5 else -0.06
        push = Shot(Look(x + side, 0.5, 1.0), Look(x, 0.5 + (y - 0.5) * 0.7, 0.82), 0, self._over, shape)
        drift = Shot(
            Look(x - side, y - 0.04 * near, near * 0.7),
            Look(x + side, y + 0.02 * near, near * 0.84),
            self._cut,
            self.frames - 1,
            shape,
        )
        return push, drift

    @property
    def _cut(self) -> int:
        return round(self.frames * 0.5)

    @property
    def _over(self) -> int:
        return round(self._cut + self.fps * _FADE_S)


_FADE_S = 0.6
_BEYOND = 1.5


def focus_of(photo: Image.Image) -> tuple[float, float]:
    """The point of interest, in shares: where detail and unusual colour are, weighted towards the middle."""
    small = np.asarray(photo.resize((48, 48), Image.Resampling.BOX), dtype=np.float32)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).mean(axis=0)
    strange = np.linalg.norm(small - border, axis=2)
    grey = small.mean(axis=2)
    detail = np.hypot(*np.gradient(grey))
    y, x = np.mgrid[0:48, 0:48] / 47.0
    middle = np.exp(-(((x - 0.5) / 0.33) ** 2) - ((y - 0.5) / 0.33) ** 2)
    weight = (strange / (strange.max() + 1) + detail / (detail.max() + 1)) ** 2 * middle
    total = float(weight.sum())
    if total <= 0:
        return 0.5, 0.5
    return float((weight * x).sum()) / total, float((weight * y).sum()) / total


def sharp_part(photo: Image.Image) -> tuple[int, int, int, int]:
    """The photo without the blurred or plain bands that a client put around it: left, top, right, bottom.

    Only bands of about the same size on two opposite sides count, so an ordinary photo stays whole.
    """
    grey = np.asarray(photo.convert("L").resize((256, 256), Image.Resampling.BOX), dtype=np.float32)
    down, across = np.abs(np.diff(grey, 3, axis=0)), np.abs(np.diff(grey, 3, axis=1))
    top, bottom = _band(across.mean(axis=1))
    left, right = _band(down.mean(axis=0))
    w, h = photo.size
    return round(left * w), round(top * h), round(right * w), round(bottom * h)


def _band(energy: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Where detail begins and ends along one axis, in shares; the whole axis unless bands are plain."""
    busy = np.flatnonzero(energy > 0.3 * np.percentile(energy, 80))
    if not len(busy):
        return 0.0, 1.0
    first, last = float(busy[0]) / len(energy), float(busy[-1] + 1) / len(energy)
    alike = abs(first - (1 - last)) < 0.03
    return (first, last) if alike and 0.08 < first < 0.42 else (0.0, 1.0)
