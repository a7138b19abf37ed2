"""Ended jobs, packed: two thirds of such a text are names that every job has, and it is kept for weeks.

A packed text is a mark and a raw deflate stream made with the dictionary of that mark; any other text is what
it is (JSON begins with a brace). Dictionaries never change: another one gets another mark. Live jobs stay
plain: scripts look into them, and they are written again soon.
"""

import zlib
from typing import Final

MARK: Final = b"\x01"
WORTH_IT: Final = 160
"""Shorter texts are left as they are."""
_WINDOW: Final = -11
"""Raw deflate, a window of 2 KiB: all of such a text. A large one costs more to set up than to use."""
_MEMORY: Final = 4
_LEVEL: Final = 1

# What comes most often stands last: near matches are the shortest.
_DICTIONARY: Final = (
    b'"counts":{"render_failed":1,"create_unknown":1},"told":["patience"],"refused":["|main"],"source":"'
    b'","status":"failed","status":"overdue","file_kind":"document","reason":"network_unavailable_provid'
    b'er_errorrate_limited","status":"refused","bytedance/seedance-1.5-pro,grok-imagine/image-to-video,v'
    b"eo3_fast,sora-2-image-to-video,wan/2-6-image-to-video,slow camera move around the product on the t"
    b"able, soft light, keep the label readable, no people, no text, the background stays as it is, calm"
    b' and warm, cinematic, close-up, natural shadows, "lang":"en","aspect":"16:9","duration_s":5},"http'
    b's://file.aiquickdraw.com/{"created":179,"since":179,"rendered":179,"sends":1,"tasks":[{"n":1,"mode'
    b'l":"kling-3.0/video","key":"main","status":"succeeded","created_ms":179,"task_id":"","cost":70.0}]'
    b',"video":{"url":"https://tempfile.aiquickdraw.com/.mp4","task_n":1,"sha256":"","size":,"width":720'
    b',"height":1280,"duration_s":10.0,"file_id":"BAACAgIAAxkDAAIC","file_kind":"video"},"message":,"req'
    b'uest":{"chat_id":,"photo":"AgACAgIAAxkBAAIB","template":"own","prompt":"","model":"kling-3.0/video'
    b'","lang":"ru","aspect":"9:16","duration_s":10}}'
)

# One that is prepared is copied for each text: to read the dictionary anew would cost as much as the packing.
_SQUEEZE: Final = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY
)
_SPREAD: Final = zlib.decompressobj(_WINDOW, _DICTIONARY)


def packed(text: bytes) -> bytes:
    """The text in fewer bytes, where that helps."""
    if len(text) < WORTH_IT:
        return text
    squeeze = _SQUEEZE.copy()
    made = MARK + squeeze.compress(text) + squeeze.flush()
    return made if len(made) < len(text) else text


def unpacked(stored: bytes) -> bytes:
    """The text that `packed` was given. ValueError when its bytes are damaged."""
    if not stored.startswith(MARK):
        return stored
    spread = _SPREAD.copy()
    try:
        text = spread.decompress(stored[len(MARK) :])
    except zlib.error as error:
        raise ValueError(f"a packed text is damaged: {error}") from error
    if not spread.eof or spread.unused_data:
        raise ValueError("a packed text is damaged: it does not end where its bytes do")
    return text
