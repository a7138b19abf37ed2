"""Commands on the node of a cluster that has their keys, several of them on one connection when asked.

The driver's cluster client finds the nodes and keeps their connections; its way of sending is not used:
it puts `ASKING` on any connection, answers many calls at once with an error, and cannot send a script and
a WAIT on the same link. A redirect is followed here, a node that fails makes the map be read again before
the next command. A command whose outcome is unknown is never sent again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.asyncio.cluster import ClusterNode, PipelineCommand, RedisCluster
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    ReadOnlyError,
    RedisClusterException,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as DriverConnectionError
from redis.exceptions import TimeoutError as DriverTimeoutError

from engine.driver.clients import common
from engine.endpoints import Endpoint

Words = Sequence[str | bytes | float]
REDIRECTS: Final = 5
"""Redirects in a row that are followed; more of them mean that the nodes do not agree yet."""
FAILING: Final = (
    DriverConnectionError,
    DriverTimeoutError,
    ClusterDownError,
    MasterDownError,
    ReadOnlyError,
    OSError,
)


class ClusterLine:
    """The nodes of a cluster, at most `size` connections to each."""

    def __init__(self, endpoint: Endpoint, *, size: int, timeout_s: float) -> None:
        tls = {"ssl": True, **endpoint.tls} if endpoint.tls is not None else {}
        self._driver = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in endpoint.hosts],
            max_connections=2 * size,  # those being renewed are counted too
            require_full_coverage=False,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            **common(endpoint),
            **tls,
        )
        self._size = size
        self._rooms: dict[str, asyncio.Semaphore] = {}
        self._reading = asyncio.Lock()
        self._known = False
        self._suspect = ""

    async def node_of(self, key: str) -> ClusterNode:
        """The master that has this key, as far as we know. Raises the driver's errors."""
        await self._ready()
        node = self._driver.get_node_from_key(key)
        if node is None:
            raise SlotNotCoveredError(f"no master has the slot of {key}")
        return node

    async def send(self, key: str, *commands: Words) -> list[Any]:
        """The answers (or the driver's errors) of commands, one after the other on one connection.

        When the first one is redirected all go to the other node. Raises the driver's errors when the
        link broke.
        """
        for _ in range(REDIRECTS):
            node = await self.node_of(key)
            answers = await self.on(node, *commands)
            if isinstance(answers[0], AskError):
                asked = self._driver.get_node(answers[0].host, answers[0].port)
                if asked is None:
                    break
                return (await self.on(asked, ("ASKING",), *commands))[1:]
            if not isinstance(answers[0], MovedError):
                return answers
            await self._driver.nodes_manager.move_slot(answers[0])
        self.suspect()
        raise RedisClusterException("the nodes do not agree on who has the key")

    async def anywhere(self, *words: str | bytes | float) -> Any:
        """One command without a key."""
        await self._ready()
        (answer,) = await self.on(self._driver.get_default_node(), words)
        return answer

    async def masters(self, *words: str | bytes | float) -> Mapping[str, Any]:
        """One command on every master: host:port → answer or error, a broken link among them."""
        await self._ready()
        nodes = self._driver.get_primaries()
        answers = await asyncio.gather(*(self.on(node, words) for node in nodes), return_exceptions=True)
        return {
            node.name: answer if isinstance(answer, BaseException) else answer[0]
            for node, answer in zip(nodes, answers, strict=True)
        }

    async def on(self, node: ClusterNode, *commands: Words) -> list[Any]:
        """The answers of commands on a node, on one connection. Raises when the link broke."""
        batch = [PipelineCommand(number, *words) for number, words in enumerate(commands)]
        room = self._rooms.setdefault(node.name, asyncio.Semaphore(self._size))
        async with room:
            try:
                await node.execute_pipeline(batch)
            except FAILING:
                self.suspect(node)
                raise
        answers = [command.result for command in batch]
        for answer in answers:
            if isinstance(answer, FAILING):
                self.suspect(node)
                raise answer
        return answers

    def suspect(self, node: ClusterNode | None = None) -> None:
        """The map may be out of date: read it before the next command, from another node if possible."""
        self._suspect = node.name if node is not None else "?"
        if node is not None:
            self._driver.nodes_manager.move_node_to_end_of_cached_nodes(node.name)

    async def _ready(self) -> None:
        if self._known and not self._suspect:
            return
        async with self._reading:
            if self._known and not self._suspect:
                return
            failed, self._suspect = self._suspect, ""
            try:
                await self._driver.nodes_manager.initialize(last_failed_node_name=failed or None)
            except BaseException:  # cancelled too: the map is still not known
                self._suspect = failed or "?"
                raise
            self._known = True

    async def close(self) -> None:
        """Close all connections."""
        await self._driver.nodes_manager.aclose()
        await self._driver.nodes_manager.aclose("startup_nodes")
