import hashlib
import json

import pytest
from PIL import ImageFont

from diagrams.elk import ELK_FILE
from diagrams.metrics import FONTS, width


def test_layout_engine_is_the_unmodified_release() -> None:
    digest = hashlib.sha256(ELK_FILE.read_bytes()).hexdigest()
    assert digest == "b1032b7cfd2a57c54c6f0e8369d7665e19a579954f7cd20a6dae28f1912ea0d7"


@pytest.mark.parametrize(("weight", "name"), [("regular", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf")])
def test_table_of_widths_is_the_fonts_own(weight: str, name: str) -> None:
    table = json.loads((FONTS / "widths.json").read_text(encoding="utf-8"))[weight]
    font = ImageFont.truetype(str(FONTS / name), 1000, layout_engine=ImageFont.Layout.BASIC)
    for char, thousandths in table.items():
        assert font.getlength(char) == pytest.approx(thousandths, abs=1.0), repr(char)


def test_width_grows_with_size_and_weight() -> None:
    assert width("generating", 21.0) == pytest.approx(2 * width("generating", 10.5), abs=0.02)
    assert width("generating", bold=True) > width("generating")
    assert width("\U0001f514", 10) == 10.0  # a character without a glyph counts as a wide one


def test_licences_lie_beside_what_they_cover() -> None:
    assert "Bitstream" in (FONTS / "DejaVu.LICENSE.txt").read_text(encoding="utf-8")
    assert "Eclipse Public License" in (ELK_FILE.parent / "elk.LICENSE.md").read_text(encoding="utf-8")
