"""The models we can buy: data, because models die and prices move.

Fields, limits and provider costs are those of KIE.AI's market pages (docs.kie.ai/market, November 2026);
one KIE credit is $0.005. Durations were measured on recorded traffic where it existed (Kling 127-165 s,
Grok 130 s) and are cautious guesses elsewhere. `price_credits` is ours: one credit buys an ordinary clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType


class Endpoint(StrEnum):
    """Which pair of KIE calls makes and polls a task."""

    JOBS = "jobs"
    """`/api/v1/jobs/createTask` and `/api/v1/jobs/recordInfo`."""
    VEO = "veo"
    """`/api/v1/veo/generate` and `/api/v1/veo/record-info`: createTask refuses Veo's models."""


Param = str | int | bool | tuple[str, ...]
PORTRAIT_FIRST = ("9:16", "16:9", "1:1", "3:4", "4:3")


def _plain(values: Sequence[str]) -> Mapping[str, str]:
    return MappingProxyType({value: value for value in values})


@dataclass(frozen=True, slots=True)
class Model:
    """One model: how its task is asked for, what it costs, and how long it takes.

    `aspects` maps our aspect ratio to the model's word for it; empty when the clip takes the shape of
    the photo. `durations` are the clip lengths it can be asked for, seconds; empty when it has only one.
    """

    id: str
    title: str
    endpoint: Endpoint
    upstream: str
    image_field: str
    prompt_max: int
    """Longest prompt that passes validation, characters."""
    price_credits: int
    """What a user pays for a clip, our credits."""
    credits_per_s: float = 0.0
    """KIE credits for a second of video; zero when a clip has one price."""
    credits_per_clip: float = 0.0
    expected_s: float = 120.0
    """The usual time from create to complete."""
    soft_s: float = 900.0
    """From here on it is unusual: look rarely."""
    hard_s: float = 1800.0
    """From here on nobody believes in the task: a new one may be bought."""
    image_is_list: bool = True
    pads: bool = True
    """Pad the photo to the wanted shape: the clip follows it, or the model would cut what does not fit."""
    durations: tuple[int, ...] = ()
    duration_field: str = "duration"
    duration_as_text: bool = True
    aspects: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Param] = field(default_factory=dict)
    """Sent as they are."""
    enabled: bool = True
    retired_at: str = ""
    """ISO date of the model's death at its maker, empty while it lives."""

    def retired(self, now_ms: int) -> bool:
        """Whether its maker had shut it down by `now_ms`."""
        if not self.retired_at:
            return False
        return now_ms >= datetime.fromisoformat(self.retired_at).replace(tzinfo=UTC).timestamp() * 1000

    def clip_s(self, wanted_s: int) -> int:
        """The length it can make that is nearest to the wish, seconds."""
        if not self.durations:
            return 8 if self.endpoint is Endpoint.VEO else wanted_s
        return min(self.durations, key=lambda value: (abs(value - wanted_s), -value))

    def provider_cost(self, wanted_s: int = 10) -> float:
        """What a clip costs us, KIE credits."""
        return self.credits_per_clip or self.credits_per_s * self.clip_s(wanted_s)


MODELS: tuple[Model, ...] = (
    Model(
        id="bytedance/seedance-1.5-pro",
        title="Seedance 1.5 Pro",
        endpoint=Endpoint.JOBS,
        upstream="bytedance",
        image_field="input_urls",
        prompt_max=20_000,
        price_credits=1,
        credits_per_s=3.5,
        expected_s=110,
        durations=tuple(range(4, 13)),
        duration_as_text=False,
        aspects=_plain(("1:1", "4:3", "3:4", "16:9", "9:16", "21:9")),
        params=MappingProxyType({"resolution": "720p", "generate_audio": False, "nsfw_checker": True}),
    ),
    Model(
        id="grok-imagine/image-to-video",
        title="Grok Imagine",
        endpoint=Endpoint.JOBS,
        upstream="xai",
        image_field="image_urls",
        prompt_max=5_000,
        price_credits=1,
        credits_per_s=4.5,
        expected_s=130,
        durations=tuple(range(6, 31)),
        params=MappingProxyType({"mode": "normal", "resolution": "720p"}),
    ),
    Model(
        id="kling-3.0/video",
        title="Kling 3.0",
        endpoint=Endpoint.JOBS,
        upstream="kuaishou",
        image_field="image_urls",
        prompt_max=2_500,
        price_credits=4,
        credits_per_s=14,
        expected_s=145,
        durations=tuple(range(3, 16)),
        params=MappingProxyType({"mode": "std", "sound": False, "multi_shots": False, "multi_prompt": ()}),
    ),
    Model(
        id="veo3_lite",
        title="Veo 3.1 Lite",
        endpoint=Endpoint.VEO,
        upstream="google",
        image_field="imageUrls",
        prompt_max=5_000,
        price_credits=1,
        credits_per_clip=30,
        expected_s=110,
        aspects=_plain(("16:9", "9:16")),
        params=MappingProxyType({"generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "resolution": "720p"}),
    ),
    Model(
        id="veo3_fast",
        title="Veo 3.1 Fast",
        endpoint=Endpoint.VEO,
        upstream="google",
        image_field="imageUrls",
        prompt_max=5_000,
        price_credits=2,
        credits_per_clip=60,
        expected_s=110,
        aspects=_plain(("16:9", "9:16")),
        params=MappingProxyType({"generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "resolution": "720p"}),
    ),
    Model(
        id="sora-2-image-to-video",
        title="Sora 2",
        endpoint=Endpoint.JOBS,
        upstream="openai",
        image_field="image_urls",
        prompt_max=10_000,
        price_credits=1,
        credits_per_clip=30,
        expected_s=240,
        durations=(10, 15),
        duration_field="n_frames",
        aspects=MappingProxyType(
            {"9:16": "portrait", "3:4": "portrait", "16:9": "landscape", "4:3": "landscape"}
        ),
        params=MappingProxyType({"remove_watermark": True}),
        retired_at="2026-09-24",  # developers.openai.com/api/docs/models/sora-2
    ),
)
"""In the order of preference: price, an explicit portrait, and one independent maker after the other."""


class Catalogue:
    """The models of this installation: which exist, which may be bought now, and what comes next."""

    def __init__(
        self, models: Sequence[Model] = MODELS, default: str = "", disabled: Sequence[str] = ()
    ) -> None:
        unknown = {default, *disabled} - {model.id for model in models} - {""}
        if unknown:
            raise ValueError(f"unknown model in the configuration: {', '.join(sorted(unknown))}")
        self._models = {
            model.id: replace(model, enabled=False) if model.id in disabled else model for model in models
        }
        self._default = default

    def get(self, model_id: str) -> Model | None:
        """The model of that id, dead or alive."""
        return self._models.get(model_id)

    def all(self) -> tuple[Model, ...]:
        """Every model, retired ones too (old logs name them)."""
        return tuple(self._models.values())

    def available(self, now_ms: int) -> tuple[Model, ...]:
        """The models that may be bought now, the default first."""
        alive = [model for model in self._models.values() if model.enabled and not model.retired(now_ms)]
        return tuple(sorted(alive, key=lambda model: model.id != self._default))

    def default(self, now_ms: int) -> Model | None:
        """The model to offer when nobody asked for another."""
        return next(iter(self.available(now_ms)), None)

    def order(self, wanted: str, now_ms: int) -> tuple[Model, ...]:
        """The wanted model first (when it lives), then the fallbacks; those of the same maker come last,
        because a paused or crowded maker takes all its models along.
        """
        asked = self._models.get(wanted)
        upstream = asked.upstream if asked else ""
        return tuple(
            sorted(
                self.available(now_ms),
                key=lambda model: 0 if model.id == wanted else 2 if model.upstream == upstream else 1,
            )
        )

    def price(self, model_id: str) -> int:
        """What a clip costs a user, our credits. Raises KeyError for a model that never existed."""
        return self._models[model_id].price_credits
