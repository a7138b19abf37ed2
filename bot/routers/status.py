"""The one status message of a job, written by the bot where a user acts (the relay edits it otherwise)."""

from typing import Final

from bot.desk import Guest
from bot.talk import edit
from bot.texts import Html
from states.job import Job
from states.vocabulary import TERMINALS, State

_LOOKS: Final = 3
"""How often a job that moves on meanwhile is looked at again."""


async def show_status(guest: Guest, job: Job, message_id: int | None) -> bool:
    """Make the message show the job as it is; False when it cannot be edited any more.

    A worker may move the job on while this edit is under way, and its own notice may land first. So the
    job is looked at once more afterwards, until what is shown is what is true.
    """
    if message_id is None:
        return False
    for _ in range(_LOOKS):
        if not await _edit(guest, job, message_id):
            return False
        fresh = await guest.desk.engine.job(job.id)
        if fresh is None or fresh.state is job.state:
            return True
        job = fresh
    return True


async def _edit(guest: Guest, job: Job, message_id: int) -> bool:
    notices = guest.desk.notices
    if job.state is State.DONE:
        return False  # the message is the video by now
    if job.state in TERMINALS:
        words = notices.ending(job, await guest.desk.balance(job.user_id))
    else:
        place = await guest.desk.engine.place_in_line(job.id) if job.state is State.QUEUED else 0
        words = notices.progress(job, place)
    return await edit(guest.desk.bot, guest.chat_id, message_id, Html(words.text_html), words.keyboard)
