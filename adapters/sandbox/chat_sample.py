"""A drawn product photo for whoever has none at hand: a perfume bottle on a table, in soft light."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 1080
_DRAWN = SIZE * 2


def sample_photo() -> bytes:
    """A JPEG of 1080×1080 pixels, always the same."""
    picture = _scene()
    picture = _with(picture, _shadow(), (46, 30, 38))
    for layer, colour in _bottle():
        picture = _with(picture, layer, colour)
    picture = picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    grain = np.random.default_rng(7).normal(0, 2.2, (SIZE, SIZE, 1))
    noisy = np.clip(np.asarray(picture, dtype=np.float64) + grain, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=92)
    return out.getvalue()


def _with(picture: Image.Image, layer: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    return Image.composite(Image.new("RGB", picture.size, colour), picture, layer)


def _scene() -> Image.Image:
    """Wall and table, lit from the upper left."""
    rows, columns = np.mgrid[0:_DRAWN, 0:_DRAWN] / _DRAWN
    wall, table = np.array([236, 204, 186]), np.array([214, 160, 140])
    light = np.exp(-((columns - 0.3) ** 2 + (rows - 0.25) ** 2) / 0.25)[..., None]
    below = (1 / (1 + np.exp(-(rows - 0.72) * 140)))[..., None]
    shade = (wall * (1 - below) + table * below) * (0.72 + 0.32 * light)
    return Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))


def _mask() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    layer = Image.new("L", (_DRAWN, _DRAWN), 0)
    return layer, ImageDraw.Draw(layer)


def _shadow() -> Image.Image:
    layer, pen = _mask()
    pen.ellipse(_box(0.30, 0.80, 0.84, 0.88), fill=150)
    return layer.filter(ImageFilter.GaussianBlur(_DRAWN / 45))


def _box(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    return (int(left * _DRAWN), int(top * _DRAWN), int(right * _DRAWN), int(bottom * _DRAWN))


def _rounded(box: tuple[int, int, int, int], radius: float, fill: int, blur: float = 0.0) -> Image.Image:
    layer, pen = _mask()
    pen.rounded_rectangle(box, radius=int(radius * _DRAWN), fill=fill)
    return layer.filter(ImageFilter.GaussianBlur(blur * _DRAWN)) if blur else layer


def _bottle() -> list[tuple[Image.Image, tuple[int, int, int]]]:
    """Glass, perfume, cap, label and highlights, back to front."""
    return [
        (_rounded(_box(0.33, 0.40, 0.67, 0.85), 0.045, 255), (244, 214, 196)),
        (_rounded(_box(0.35, 0.50, 0.65, 0.83), 0.03, 235), (214, 108, 92)),
        (_rounded(_box(0.35, 0.70, 0.65, 0.83), 0.03, 120, 0.012), (150, 52, 56)),
        (_rounded(_box(0.45, 0.345, 0.55, 0.41), 0.008, 255), (206, 164, 92)),
        (_rounded(_box(0.425, 0.20, 0.575, 0.355), 0.02, 255), (48, 40, 50)),
        (_rounded(_box(0.445, 0.215, 0.465, 0.34), 0.01, 150, 0.004), (150, 140, 155)),
        (_rounded(_box(0.41, 0.57, 0.59, 0.74), 0.008, 245), (252, 244, 236)),
        (_rounded(_box(0.44, 0.615, 0.56, 0.628), 0.004, 230), (80, 52, 56)),
        (_rounded(_box(0.46, 0.65, 0.54, 0.658), 0.003, 200), (150, 110, 105)),
        (_rounded(_box(0.475, 0.68, 0.525, 0.686), 0.003, 200), (150, 110, 105)),
        (_rounded(_box(0.355, 0.43, 0.385, 0.82), 0.012, 190, 0.006), (255, 246, 238)),
        (_rounded(_box(0.635, 0.44, 0.648, 0.80), 0.006, 120, 0.004), (255, 240, 230)),
    ]
