"""JSON and words from strangers, read so that nothing they send is an exception nobody expects."""

import hmac
import json
from typing import Any


def json_of(raw: bytes | str) -> Any:
    """What the JSON says. Raises ValueError, also for what is nested deeper than can be followed."""
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def same_secret(given: str, wanted: str) -> bool:
    """Whether somebody knows a secret; the time it takes tells nothing. Never true for an empty secret.

    `given` may hold anything a header or an address can carry, half characters included.
    """
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode()) and bool(wanted)
