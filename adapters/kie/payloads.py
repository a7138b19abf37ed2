"""The body of a create call: one builder for market models, one for Veo.

Each model wants the photo in another field and lengths as numbers or as text; a wrong field is the most
common refusal there is, so the catalogue says it and the tests hold golden copies.
"""

from typing import Any

from adapters.kie import prompts
from adapters.kie.catalogue import Endpoint, Model, Param
from states.job import Request


def build(model: Model, request: Request, photo_url: str, callback_url: str = "") -> dict[str, Any]:
    """The JSON body of the create call of this model. `callback_url` is left out when empty."""
    fields = _fields(model, request, photo_url)
    if model.endpoint is Endpoint.VEO:
        body = {"model": model.id, "enableTranslation": True, **fields}
    else:
        body = {"model": model.id, "input": fields}
    if callback_url:
        body["callBackUrl"] = callback_url
    return body


def _fields(model: Model, request: Request, photo_url: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "prompt": prompts.build(request.template, request.prompt, model.prompt_max),
        model.image_field: [photo_url] if model.image_is_list else photo_url,
    }
    if model.aspects:
        fields["aspect_ratio"] = model.aspects.get(request.aspect) or next(iter(model.aspects.values()))
    if model.durations:
        length = model.clip_s(request.duration_s)
        fields[model.duration_field] = str(length) if model.duration_as_text else length
    return fields | {name: _json(value) for name, value in model.params.items()}


def _json(value: Param) -> Any:
    return list(value) if isinstance(value, tuple) else value
