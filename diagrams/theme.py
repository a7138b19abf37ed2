"""Colours. Hue is meaning: grey flow, violet retry, amber refund, red failure, green done."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from states.graph import EdgeKind


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one background. `ink`: lines and label text by meaning; `fill`: terminal boxes."""

    paper: str
    text: str
    dim: str
    faint: str
    box: str
    box_line: str
    current: str
    current_fill: str
    ink: Mapping[EdgeKind, str]
    fill: Mapping[EdgeKind, str]
    added: str
    removed: str
    changed: str
    badge_text: str


LIGHT = Theme(
    paper="#ffffff",
    text="#0f172a",
    dim="#64748b",
    faint="#b8c4d3",
    box="#f8fafc",
    box_line="#475569",
    current="#2563eb",
    current_fill="#dbeafe",
    ink=MappingProxyType(
        {
            EdgeKind.FLOW: "#475569",
            EdgeKind.RETRY: "#7c3aed",
            EdgeKind.REFUND: "#b45309",
            EdgeKind.FAILURE: "#b91c1c",
            EdgeKind.DONE: "#15803d",
        }
    ),
    fill=MappingProxyType(
        {
            EdgeKind.FLOW: "#f8fafc",
            EdgeKind.RETRY: "#f5f3ff",
            EdgeKind.REFUND: "#fef3c7",
            EdgeKind.FAILURE: "#fee2e2",
            EdgeKind.DONE: "#dcfce7",
        }
    ),
    added="#15803d",
    removed="#b91c1c",
    changed="#b45309",
    badge_text="#ffffff",
)

DARK = Theme(
    paper="#0d1117",
    text="#e6edf3",
    dim="#9aa7b5",
    faint="#465160",
    box="#161b22",
    box_line="#8b98a8",
    current="#58a6ff",
    current_fill="#12325c",
    ink=MappingProxyType(
        {
            EdgeKind.FLOW: "#a3b1c2",
            EdgeKind.RETRY: "#b79bff",
            EdgeKind.REFUND: "#e3a93c",
            EdgeKind.FAILURE: "#ff7b72",
            EdgeKind.DONE: "#4ac26b",
        }
    ),
    fill=MappingProxyType(
        {
            EdgeKind.FLOW: "#161b22",
            EdgeKind.RETRY: "#211a3a",
            EdgeKind.REFUND: "#33260a",
            EdgeKind.FAILURE: "#3b1517",
            EdgeKind.DONE: "#0f2e1b",
        }
    ),
    added="#4ac26b",
    removed="#ff7b72",
    changed="#e3a93c",
    badge_text="#0d1117",
)
