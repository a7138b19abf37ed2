"""The models the sandbox's provider offers, and how it checks a create call: the words are KIE's own.

Field names, limits and prices: docs.kie.ai/market/*; refusal texts as seen on the wire. Which text meets
which mistake is partly our guess. Validation comes before billing, except for grok, which bills anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.sandbox.camera import Film

REQUIRED = (500, "This field is required")
TOO_LONG = (500, "The text length cannot exceed the maximum limit")
UNSUPPORTED = (422, "The model is not supported")
PAUSED = (500, "This interface is temporarily paused.")
IMAGE_REQUIRED = (422, "aspect_ratio is required for text-to-video")
"""Misleading, and real: what an image model says when the image is missing."""

ASPECTS = {
    "9:16": (720, 1280),
    "portrait": (720, 1280),
    "3:4": (720, 960),
    "1:1": (720, 720),
    "4:3": (960, 720),
    "16:9": (1280, 720),
    "landscape": (1280, 720),
    "21:9": (1280, 548),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """One model: what it takes, what it costs (KIE credits), how long it renders (clock seconds)."""

    id: str
    image_field: str
    credits_per_s: float = 0.0
    credits_per_clip: float = 0.0
    render_s: float = 120.0
    image_list: bool = True
    images: int = 1
    prompt_min: int = 0
    prompt_max: int = 5000
    duration_field: str = "duration"
    durations: tuple[int | str, ...] = ()
    required: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    veo: bool = False
    lenient: bool = False
    paused: bool = False
    """Switched off by the provider, long ago and for good."""

    def price(self, fields: Mapping[str, Any]) -> float:
        """What this wish costs, KIE credits."""
        return self.credits_per_clip or self.credits_per_s * self.seconds(fields)

    def seconds(self, fields: Mapping[str, Any]) -> float:
        """The length that was asked for."""
        wanted = str(fields.get(self.duration_field, ""))
        return float(wanted) if wanted.isdigit() else 8.0

    def images_of(self, fields: Mapping[str, Any]) -> list[str]:
        """The addresses of the photos; empty when the field is missing or of the wrong kind."""
        value = fields.get(self.image_field)
        if self.image_list:
            return [url for url in value if isinstance(url, str)] if isinstance(value, list) else []
        return [value] if isinstance(value, str) and value else []

    def refuses(self, fields: Mapping[str, Any]) -> tuple[int, str] | None:
        """Why a create call with these fields is refused, as KIE's code and text; None when it is taken."""
        if self.lenient:
            return None
        prompt = fields.get("prompt")
        if not isinstance(prompt, str) or len(prompt) < self.prompt_min:
            return REQUIRED
        if len(prompt) > self.prompt_max:
            return TOO_LONG
        images = self.images_of(fields)
        if not images:
            return IMAGE_REQUIRED
        if len(images) > self.images:
            return _range(self.image_field)
        if any(name not in fields for name in self.required):
            return REQUIRED
        return self._refuses_choices(fields)

    def _refuses_choices(self, fields: Mapping[str, Any]) -> tuple[int, str] | None:
        length = fields.get(self.duration_field)
        if self.durations and length is not None and not _among(length, self.durations):
            return _range(self.duration_field)
        aspect = fields.get("aspect_ratio")
        if self.aspects and aspect is not None and aspect not in self.aspects:
            return _range("aspect_ratio")
        return None


def _among(value: Any, choices: tuple[int | str, ...]) -> bool:
    """Numbers must come as numbers, texts as texts."""
    return any(value == choice and type(value) is type(choice) for choice in choices)


def _range(field: str) -> tuple[int, str]:
    return 500, f"{field} is not within the range of allowed options"


def film_of(fields: Mapping[str, Any], spec: Spec, photo_shape: float, limit_s: float) -> Film:
    """The film this wish asks for, at most `limit_s` long. Without an aspect the photo's own shape rules."""
    size = ASPECTS.get(str(fields.get("aspect_ratio", "")))
    if size is None:
        near = "9:16" if photo_shape < 0.8 else "16:9" if photo_shape > 1.25 else "1:1"
        size = ASPECTS[near]
    return Film(size[0], size[1], min(limit_s, spec.seconds(fields)))


def _numbers(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _texts(first: int, last: int) -> tuple[str, ...]:
    return tuple(str(n) for n in range(first, last + 1))


_WIDE = ("1:1", "4:3", "3:4", "16:9", "9:16", "21:9")
_VEO = ("16:9", "9:16", "Auto")
_SORA = ("portrait", "landscape")

SPECS: Mapping[str, Spec] = {
    spec.id: spec
    for spec in (
        Spec(
            "bytedance/seedance-1.5-pro",
            "input_urls",
            3.5,
            render_s=110,
            images=2,
            prompt_min=3,
            prompt_max=20_000,
            durations=_numbers(4, 12),
            required=("aspect_ratio", "duration"),
            aspects=_WIDE,
        ),
        Spec(
            "bytedance/seedance-2-fast",
            "first_frame_url",
            24.8,
            image_list=False,
            render_s=188,
            durations=_numbers(4, 15),
            aspects=(*_WIDE, "adaptive"),
        ),
        Spec(
            "grok-imagine/image-to-video",
            "image_urls",
            4.5,
            render_s=130,
            images=7,
            durations=_texts(6, 30),
            lenient=True,
        ),
        Spec(
            "kling-3.0/video",
            "image_urls",
            14,
            render_s=146,
            images=2,
            prompt_min=1,
            durations=_texts(3, 15),
            required=("duration", "mode", "sound", "multi_shots", "multi_prompt"),
        ),
        Spec(
            "kling-2.6/image-to-video",
            "image_urls",
            11,
            render_s=146,
            prompt_max=1000,
            durations=("5", "10"),
            required=("sound",),
        ),
        Spec(
            "wan/2-7-image-to-video",
            "first_frame_url",
            16,
            image_list=False,
            render_s=110,
            prompt_min=1,
            durations=_numbers(2, 15),
        ),
        Spec(
            "hailuo/2-3-image-to-video-standard",
            "image_url",
            credits_per_clip=50,
            image_list=False,
            prompt_min=1,
            durations=("6", "10"),
        ),
        Spec("happyhorse-1-1/image-to-video", "image_urls", 22.5, render_s=63, durations=_numbers(3, 15)),
        Spec("veo3_lite", "imageUrls", credits_per_clip=30, images=3, prompt_min=1, aspects=_VEO, veo=True),
        Spec("veo3_fast", "imageUrls", credits_per_clip=60, images=3, prompt_min=1, aspects=_VEO, veo=True),
        Spec("veo3", "imageUrls", credits_per_clip=250, images=3, prompt_min=1, aspects=_VEO, veo=True),
        Spec(
            "sora-2-image-to-video",
            "image_urls",
            credits_per_clip=30,
            prompt_max=10_000,
            duration_field="n_frames",
            durations=("10", "15"),
            aspects=_SORA,
            paused=True,
        ),
        Spec(
            "sora-2-pro-image-to-video",
            "image_urls",
            credits_per_clip=150,
            prompt_max=10_000,
            duration_field="n_frames",
            durations=("10", "15"),
            aspects=_SORA,
            paused=True,
        ),
    )
}
"""Every model by its id."""
