"""Errors and refusals of the engine.

    EngineError
    ├── StoreUnavailable    the server did not answer in time: outcome unknown, ask again by its id
    ├── StoreMismatch       the server holds a store of another shape (partitions, schema) or is unfit
    ├── ScriptBroken        a Lua file has a bad header, include or name; found at load time
    └── ScriptFailed        a script raised inside the server: a bug

Refusals are not errors: a store method answers a `Refusal` where the world has simply moved on.
"""

from enum import StrEnum
from typing import Final

LOGIN: Final = "check the user and password in REDIS_URL, and what that user may do"
"""The mend when a server lets us in or act no further."""


class EngineError(Exception):
    """Base of all errors the engine raises on purpose."""


class StoreUnavailable(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """The server could not be reached, or its answer was lost, until the deadline. Outcome unknown."""


class StoreMismatch(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """The server's store was created differently from what this process was told to use."""


class ScriptBroken(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """A Lua file cannot be loaded, or was called with wrong names; the message names file and mend."""


class ScriptFailed(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """A script raised an error inside the server. Always a bug, never an expected refusal."""


class Refusal(StrEnum):
    """Why a write was refused. A refused write changed nothing."""

    FENCED = "fenced"
    """Another claim owns the job now (or this one gave its lease up)."""
    STALE = "stale"
    """The job has moved since it was read."""
    ILLEGAL = "illegal"
    """The job's graph has no such edge, or the money does not fit its end."""
    GONE = "gone"
    """No such job (any more)."""
    REPLAYED = "replayed"
    """This operation was done before; the recorded answer stands."""
