"""What the video models are told: a product template in English, and the user's wishes after it.

The wishes are the user's own words and go along unchanged, only shortened at a word when a model takes less.
"""

from collections.abc import Mapping
from types import MappingProxyType

OWN = "own"
"""The template without a scene: the wishes alone say what happens."""

KEEP = (
    "Keep the product exactly as in the photo: same shape, colours, label and text. "
    "Commercial video, one continuous shot, natural motion, no captions, no extra objects, no logos."
)
TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "spin": "The camera orbits the product slowly in a clean studio, soft light, reflections.",
        "studio": "Premium studio advertisement: slow push-in on the product, light moving over it.",
        "lifestyle": "The product in a cosy everyday scene, warm daylight, shallow focus, slow dolly.",
        "macro": "Macro close-up travelling along the product's details and texture, then the whole product.",
        "hands": "Hands gently pick the product up, turn it to the camera and put it back in place.",
        "nature": "The product outdoors in soft morning light, leaves in a light breeze, slow push-in.",
    }
)
DEFAULT = (
    "The camera moves slowly around the product, soft light, the product stays the centre of the picture."
)


def build(template: str, wishes: str, limit: int) -> str:
    """The prompt for a template and wishes, at most `limit` characters.

    An unknown template is a plain product shot (old jobs may name templates that are gone). The scene
    gives way to the wishes when both do not fit.
    """
    wishes = " ".join(wishes.split())
    scene = "" if template == OWN and wishes else TEMPLATES.get(template, DEFAULT)
    parts = [part for part in (scene, wishes, KEEP) if part]
    full = " ".join(parts)
    if len(full) <= limit:
        return full
    return cut(" ".join(part for part in (wishes, KEEP) if part) if wishes else full, limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, ending with a whole word where there is one."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    at = head.rfind(" ")
    return head[:at].rstrip() if at > 0 else text[:limit]
