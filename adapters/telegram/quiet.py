"""Which chats asked for silence: a 429 of one call holds back the next, instead of making it longer.

Answering a flooded edit with more calls turned 51 s into 10 323 s (hermes-agent#79552).
"""

from engine.ports import Clock, Failed
from states.vocabulary import ErrorClass, Failure, Label, Reason, Verdict


class Quiet:
    """Remembers until when a chat wants no calls. One for notifier and courier together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ms: dict[int, int] = {}

    def hear(self, chat_id: int, failure: Failure) -> None:
        """Take note of a 429's delay; other failures say nothing of the chat."""
        if failure.http_status == 429 and failure.retry_after_s:
            now = self._clock.now_ms()
            self._until_ms = {chat: until for chat, until in self._until_ms.items() if until > now}
            self._until_ms[chat_id] = now + round(failure.retry_after_s * 1000)

    def hush(self, chat_id: int) -> Failed | None:
        """A refusal with the time that is left, while the chat wants silence; None when one may call."""
        left_s = (self._until_ms.get(chat_id, 0) - self._clock.now_ms()) / 1000
        if left_s <= 0:
            return None
        failure = Failure(
            source="telegram",
            step="send",
            http_status=429,
            message="the chat asked for silence before",
            retry_after_s=left_s,
            may_have_arrived=False,
        )
        verdict = Verdict(
            ErrorClass.TRANSIENT, Reason.RATE_LIMITED, "telegram/chat_quiet", left_s, Label.TRANSIENT
        )
        return Failed(failure, verdict)
