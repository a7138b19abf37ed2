"""The photo of a play: read from a file, and spoilt where the story wants it spoilt."""

import io
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter

from adapters.sandbox.story import Photo
from bot.settings import SettingsError


def read_photo(path: Path) -> bytes:
    """The file's bytes. Raises SettingsError with the mend."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"The photo {path} cannot be read ({reason}): give the path of a picture."
        ) from error


def spoilt(data: bytes, how: Photo) -> bytes:
    """The photo as the story wants it: dark, blurred, tiny or broken."""
    if how is Photo.AS_IS:
        return data
    if how is Photo.BROKEN:
        return b"\x89PNG\r\n\x1a\n" + data[:64]
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    match how:
        case Photo.DARK:
            picture = ImageEnhance.Brightness(picture).enhance(0.04)
        case Photo.BLURRY:
            picture = picture.filter(ImageFilter.GaussianBlur(24))
        case Photo.TINY:
            picture.thumbnail((120, 120))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()
