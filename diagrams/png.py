"""PNG from the same SVG, with the vendored font only. An extra; the picture is the same on every machine."""

from diagrams.metrics import FONTS


class NoPainterError(RuntimeError):
    """The PNG renderer is not installed."""


def png(svg: str, *, zoom: float = 2.0) -> bytes:
    """Rasterise an SVG of `paint` (light or dark; `auto` comes out light). Raises NoPainterError."""
    try:
        import resvg_py  # noqa: PLC0415 - the extra [diagrams]
    except ImportError as error:
        raise NoPainterError("PNG needs the extra: run `pip install 'reelstate[diagrams]'`.") from error
    fonts = [str(FONTS / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=zoom,
            dpi=96,
            skip_system_fonts=True,
            font_files=fonts,
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )
    )
