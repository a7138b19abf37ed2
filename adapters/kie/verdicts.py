"""Verdicts of this adapter: the classifier's for what KIE said, its own for what it measured itself."""

from states.classify import classify_kie_error
from states.vocabulary import ErrorClass, Failure, Reason, Verdict

MODEL_GONE = Verdict(ErrorClass.OPERATOR, Reason.MODEL_RETIRED, "kie.not_in_catalogue")
TAKEN_AWAY = Verdict(ErrorClass.SYSTEM, Reason.WORKER_LOST, "kie.intent")
LOST_TASK = Verdict(ErrorClass.SYSTEM, Reason.BAD_RESPONSE, "kie.no_task")
WATCH_OVER = Verdict(ErrorClass.TRANSIENT, Reason.RENDER_TIMEOUT, "engine.watch")
BAD_RESPONSE = Verdict(ErrorClass.SYSTEM, Reason.BAD_RESPONSE, "kie.no_video")
NO_PLAYABLE_VIDEO = Verdict(ErrorClass.SYSTEM, Reason.CORRUPTED_VIDEO, "video.probe")


def of(failure: Failure) -> Verdict:
    """What the classifier says of a call to KIE."""
    return classify_kie_error(failure)


def of_download(failure: Failure) -> Verdict:
    """A file that could not be played was measured here: no text has to be read for that."""
    return NO_PLAYABLE_VIDEO if failure.message.startswith(Reason.CORRUPTED_VIDEO) else of(failure)


def of_photo_fetch(failure: Failure) -> Verdict:
    """The photo could not be had from Telegram: crowded, unreachable, or gone for good.

    Nobody's photo is to blame. A file that Telegram no longer has is our storage lost.
    """
    status = failure.http_status
    if status == 429:
        return Verdict(ErrorClass.TRANSIENT, Reason.RATE_LIMITED, "photo.429", failure.retry_after_s)
    if status is None:
        return Verdict(ErrorClass.TRANSIENT, Reason.NETWORK, "photo.network")
    if status >= 500:
        return Verdict(ErrorClass.TRANSIENT, Reason.UNAVAILABLE, "photo.5xx", failure.retry_after_s)
    return Verdict(ErrorClass.SYSTEM, Reason.STORAGE_LOST, "photo.gone")


def refuses(verdict: Verdict, model: str, key: str) -> str:
    """What a job should not try again after this verdict, as `model|key` with `*` for any; "" for nothing."""
    if verdict.reason in (Reason.MODEL_RETIRED, Reason.BAD_REQUEST):
        return f"{model}|*"
    if verdict.reason in (Reason.PROVIDER_AUTH, Reason.PROVIDER_BALANCE):
        return f"*|{key}"
    return ""
