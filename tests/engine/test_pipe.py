"""The pipe: answers find their askers in order, in pieces of any size; all who wait hear of a lost link."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import ConnectionError as DriverConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as DriverTimeoutError

from engine.connection import Connection
from engine.driver.pipe import Answers, Pipe, encode

ANSWERS = st.recursive(
    st.none() | st.integers(-(2**40), 2**40) | st.binary(max_size=20) | st.just("OK"),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def _wire(answer: Any) -> bytes:
    """An answer as a server writes it; a str stands for a status line."""
    if answer is None:
        return b"$-1\r\n"
    if isinstance(answer, int):
        return b":%d\r\n" % answer
    if isinstance(answer, str):
        return b"+%b\r\n" % answer.encode()
    if isinstance(answer, bytes):
        return b"$%d\r\n%b\r\n" % (len(answer), answer)
    return b"*%d\r\n%b" % (len(answer), b"".join(map(_wire, answer)))


def _read(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_read(one) for one in answer]
    return answer.encode() if isinstance(answer, str) else answer


@given(st.lists(ANSWERS, max_size=5), st.data())
def test_answers_come_whole_whatever_pieces_they_come_in(answers: list[Any], data: st.DataObject) -> None:
    found: list[Any] = []
    reader = Answers(found.append, ValueError)
    raw = b"".join(map(_wire, answers))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        reader.feed(raw[start:end])
    assert found == list(map(_read, answers))


def test_errors_are_values_nested_ones_too() -> None:
    found: list[Any] = []
    reader = Answers(found.append, ValueError)
    reader.feed(b"*2\r\n:1\r\n-ERR no\r\n*-1\r\n-ERR at all\r\n")
    nested, nothing, error = found
    assert nested[0] == 1
    assert [str(nested[1]), nothing, str(error)] == ["ERR no", None, "ERR at all"]


def test_words_travel_behind_their_length() -> None:
    long = b"x" * 5000
    assert encode(["A", b"\xff", -7]) == b"*3\r\n$1\r\nA\r\n$1\r\n\xff\r\n$2\r\n-7\r\n"
    assert encode([long]) == b"*1\r\n$5000\r\n" + long + b"\r\n"
    assert encode(["\u00e9"]) == b"*1\r\n$2\r\n\xc3\xa9\r\n"


async def _pipe(url: str, timeout_s: float = 5.0) -> Pipe:
    return Pipe(BlockingConnectionPool.from_url(url, protocol=2), timeout_s)


async def test_many_ask_at_once_and_each_gets_its_own(redis_url: str) -> None:
    pipe = await _pipe(redis_url)
    words = [("ECHO", f"{n}" * 500) for n in range(300)]
    assert await asyncio.gather(*map(pipe.run, words)) == [word.encode() for _, word in words]
    await pipe.close()


async def test_whoever_stops_waiting_does_not_shift_the_others_answers(redis_url: str) -> None:
    pipe = await _pipe(redis_url)
    await pipe.run(["PING"])
    asked = [asyncio.ensure_future(pipe.run(["ECHO", n])) for n in range(3)]
    await asyncio.sleep(0)
    asked[1].cancel()
    assert await asyncio.gather(*asked, return_exceptions=True) != []
    assert (asked[0].result(), asked[2].result()) == (b"0", b"2")
    with pytest.raises(ResponseError, match="unknown command"):
        await pipe.run(["NOSUCH"])
    await pipe.close()


async def test_a_lost_link_is_told_to_all_and_opened_again(redis_url: str, connection: Connection) -> None:
    pipe = await _pipe(redis_url)
    mine = await pipe.run(["CLIENT", "ID"])
    waiting = [asyncio.ensure_future(pipe.run(["BLPOP", "nothing", 0])) for _ in range(3)]
    await asyncio.sleep(0)
    await connection.command("CLIENT", "KILL", "ID", mine)
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(end) for end in ends} == {DriverConnectionError}
    assert await pipe.run(["CLIENT", "ID"]) != mine
    await pipe.close()
    assert await pipe.run(["PING"]) == b"PONG"
    await pipe.close()


async def test_a_silent_server_is_given_up(redis_url: str) -> None:
    pipe = await _pipe(redis_url, timeout_s=0.05)
    with pytest.raises(DriverTimeoutError, match=r"no answer within 0.05 s"):
        await pipe.run(["BLPOP", "nothing", 0])
    assert await pipe.run(["PING"]) == b"PONG"
    await pipe.close()


async def test_a_server_that_is_no_master_any_more_is_left(redis_url: str, connection: Connection) -> None:
    pipe = await _pipe(redis_url)
    mine = await pipe.run(["CLIENT", "ID"])
    await connection.command("REPLICAOF", "127.0.0.1", 1)
    try:
        with pytest.raises(ResponseError):
            await pipe.run(["SET", "a", "b", "PX", 1000])
    finally:
        await connection.command("REPLICAOF", "NO", "ONE")
    assert await pipe.run(["CLIENT", "ID"]) != mine
    await pipe.close()
