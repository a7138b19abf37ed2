"""The driver's errors as ours: outcome unknown, script missing, unfit set-up, or a bug."""

import ssl
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    MasterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as DriverConnectionError,
)
from redis.exceptions import (
    TimeoutError as DriverTimeoutError,
)

from engine.errors import LOGIN, EngineError, ScriptFailed, StoreMismatch, StoreUnavailable

LOST: Final = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    DriverConnectionError,
    DriverTimeoutError,
    MasterDownError,
    MovedError,
    OSError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    TryAgainError,
)
"""The command may or may not have been executed, or another server has to be asked."""
DRIVER: Final = (RedisError, RedisClusterException, OSError)
"""Whatever the driver raises."""
_DEMOTED: Final = "UNBLOCKED"
"""Begins the answer to a read on a server that has just become a replica."""
_PASSWORD: Final = ("AuthenticationError", "NOAUTH", "WRONGPASS", "Authentication required")
T = TypeVar("T")


class ScriptMissing(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """The server lost its script cache (restart, failover, flush): load again and resend."""


async def told(answer: Awaitable[T]) -> T:
    """The answer, or the driver's error as ours."""
    try:
        return await answer
    except DRIVER as error:
        raise ours(error) from error


def answered(answer: Any) -> Any:
    """An answer among several, where an error came as a value."""
    if isinstance(answer, Exception):
        raise ours(answer)
    return answer


def ours(error: Exception, what: str = "the server did not answer") -> EngineError:
    """Which of our errors a driver's error is."""
    if isinstance(error, NoScriptError):
        return ScriptMissing(str(error))
    unfit = _unfit(error)
    if unfit:
        return StoreMismatch(unfit)
    if isinstance(error, LOST):
        return StoreUnavailable(f"{what}: {_text(error)}")
    if isinstance(error, ResponseError) and str(error).startswith(_DEMOTED):
        return StoreUnavailable(f"{what}: its server is no master any more")
    return ScriptFailed(f"{type(error).__name__}: {error}")


def _unfit(error: Exception) -> str:
    """What no resending mends, with the mend; "" when it may pass.

    The driver dresses a refused password or certificate as a lost connection.
    """
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError):
            return f"TLS with the server failed: {_mend(cause)}"
        if isinstance(cause, AuthenticationError):
            return f"the server refused our credentials ({cause}): {LOGIN}"
    text = str(error)
    if isinstance(error, MasterNotFoundError) and any(word in text for word in _PASSWORD):
        return (
            "the sentinels refused our credentials: set sentinel_username and sentinel_password in REDIS_URL"
        )
    if "Cluster mode is not enabled" in text:
        return "the server is no node of a cluster: write redis:// or rediss:// without +cluster in REDIS_URL"
    if isinstance(error, ResponseError) and "unknown command" in text and "sentinel" in text.lower():
        return (
            "the servers in REDIS_URL are no sentinels: name sentinels there, or write it without +sentinel"
        )
    return ""


def _text(error: Exception) -> str:
    if isinstance(error, MasterNotFoundError):
        return (
            "no sentinel that answers knows a master by the service name in REDIS_URL, or none is elected yet"
        )
    return f"{type(error).__name__}: {error}"


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _mend(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if "match" in error.verify_message:
            return (
                "its certificate is for another name: use a name that it holds in REDIS_URL,"
                " or ssl_check_hostname=no"
            )
        return f"its certificate is not trusted ({error.verify_message}): name its authority by ssl_ca_certs"
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "it does not speak TLS at that port: use its TLS port, or a REDIS_URL without TLS"
    return f"{error.reason or error}: check REDIS_URL and the certificates it names"
