"""XML by hand: attributes in the given order, numbers in one spelling, so that the bytes never wander."""

from collections.abc import Mapping
from html import escape as _html_escape


def escape(text: str) -> str:
    """Text for an element or a quoted attribute."""
    return _html_escape(text, quote=True)


def number(value: float) -> str:
    """A number with at most one decimal and no trailing zero."""
    return f"{value:.1f}".removesuffix(".0")


def element(tag: str, attributes: Mapping[str, str | float], inner: str | None = None) -> str:
    """An element; `inner` is markup already. Empty attributes are left out."""
    head = "".join(
        f' {name}="{escape(value) if isinstance(value, str) else number(value)}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{tag}{head}/>" if inner is None else f"<{tag}{head}>{inner}</{tag}>"
