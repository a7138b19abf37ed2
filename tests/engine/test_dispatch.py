import asyncio

import pytest

from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import ScriptBroken

T = "{1768}"


async def test_a_verb_is_called_by_name(dispatcher: Dispatcher) -> None:
    assert await dispatcher.call(T, "open", partitions=1, schema=1) == [b"1", b"1"]
    assert await dispatcher.call(T, "open", partitions=16, schema=2) == [b"1", b"1"]


async def test_a_wrong_name_never_leaves_python(dispatcher: Dispatcher) -> None:
    with pytest.raises(ScriptBroken, match=r"missing \['schema'\], unknown \['scheme'\]"):
        await dispatcher.call(T, "open", partitions=1, scheme=1)
    with pytest.raises(ScriptBroken, match="is int, got str"):
        await dispatcher.call(T, "open", partitions="1", schema=1)


async def test_calls_of_one_turn_travel_as_one_script(dispatcher: Dispatcher, connection: Connection) -> None:
    await connection.command("CONFIG", "RESETSTAT")
    answers = await asyncio.gather(
        dispatcher.call(T, "open", partitions=4, schema=1),
        *(dispatcher.call(T, "ring", queue=True) for _ in range(9)),
    )
    assert answers == [[b"4", b"1"], *[b"ok"] * 9]
    assert (await connection.info("commandstats"))["cmdstat_evalsha"]["calls"] == 1


async def test_a_flushed_script_cache_is_loaded_again(dispatcher: Dispatcher, connection: Connection) -> None:
    await connection.command("SCRIPT", "FLUSH")
    assert await dispatcher.call(T, "ring", queue=False) == b"ok"
