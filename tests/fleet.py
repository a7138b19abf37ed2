"""Several servers that belong together: a cluster, or a master with replicas and sentinels, all on loopback.

They run on the binary of `tests.servers`, so the same fleet is Valkey or Redis. Set up by the inline
protocol: what is proved about the driver does not depend on the driver. Each node is a process of its own
that may be killed, frozen and asked.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import IO, Final

from tests.servers import Server, free_port

HOST: Final = "127.0.0.1"
SLOTS: Final = 16384
NODE_TIMEOUT_MS: Final = 2000
"""A master that is silent for so long has failed: then its replica is elected."""
PATIENCE_S: Final = 60.0
SERVICE: Final = "reel"
_PAUSE: Final = threading.Event()


class FleetError(Exception):
    """The servers did not do what they were told within `PATIENCE_S`."""


def ask(port: int, *words: str | int) -> str:
    """One command by the inline protocol: its answer, elements of a list as lines.

    An error is text beginning with `-`. Raises OSError when the server is away.
    """
    with socket.create_connection((HOST, port), timeout=10) as link, link.makefile("rb") as told:
        link.sendall((" ".join(str(word) for word in words) + "\r\n").encode())
        return _read(told)


def _read(told: IO[bytes]) -> str:
    line = told.readline()
    kind, rest = line[:1], line[1:].strip().decode()
    if kind == b"$":
        return "" if rest == "-1" else told.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return "\n".join(_read(told) for _ in range(int(rest)))
    return f"-{rest}" if kind == b"-" else rest


def until(settled: Callable[[], bool], what: str) -> float:
    """Ask until it is so; the seconds it took. Raises FleetError."""
    begun = monotonic()
    while not settled():
        if monotonic() - begun > PATIENCE_S:
            raise FleetError(f"not within {PATIENCE_S:g} s: {what}")
        _PAUSE.wait(0.02)
    return monotonic() - begun


class Node(Server):
    """A server with a TCP port."""

    def __init__(self, *options: str, bus: int = 0, sentinel: bool = False) -> None:
        self.port, self.bus = free_port(), bus
        place = ["--port", str(self.port), "--bind", HOST]
        soon = [] if sentinel else ["--repl-diskless-sync-delay", "0"]
        super().__init__([*place, *soon, *options], sentinel=sentinel)

    def ask(self, *words: str | int) -> str:
        """One command. Raises FleetError when it is refused."""
        answer = ask(self.port, *words)
        if answer.startswith("-"):
            raise FleetError(f"{' '.join(map(str, words))}: {answer}")
        return answer

    def fact(self, section: str, name: str) -> str:
        """One line of INFO, "" without it."""
        lines = self.ask("INFO", section).splitlines()
        return next((line.partition(":")[2] for line in lines if line.startswith(f"{name}:")), "")

    def signal(self, number: int) -> None:
        """SIGSTOP, SIGCONT."""
        os.kill(self.pid, number)


@dataclass(slots=True)
class Cluster:
    """Masters first, then their replicas in the same order."""

    nodes: list[Node] = field(default_factory=list)
    masters: int = 3

    @property
    def url(self) -> str:
        """Its address, by all nodes that run."""
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes if node.alive)

    def master_of(self, slot: int) -> Node:
        """Who serves a slot, dead or not, by the word of the first node that runs."""
        asked = next(node for node in self.nodes if node.alive)
        for line in asked.ask("CLUSTER", "NODES").splitlines():
            _, address, flags, *_, _ = words = line.split()
            if "master" in flags and any(_holds(word, slot) for word in words[8:]):
                port = int(address.partition("@")[0].rpartition(":")[2])
                return next(node for node in self.nodes if node.port == port)
        raise FleetError(f"nobody serves slot {slot}")

    def move(self, slot: int, target: Node) -> int:
        """Move a slot key by key, as `--cluster reshard` of the command line tools does; keys moved."""
        move = Move(slot, self.master_of(slot), target)
        moved = 0
        while keys := move.carry(100):
            moved += keys
        move.finish()
        return moved

    def settled(self) -> bool:
        """Whether every running node sees every slot served and every other running node."""
        running = [node for node in self.nodes if node.alive]
        told = [node.ask("CLUSTER", "INFO") for node in running]
        return all("cluster_state:ok" in text for text in told)


class Move:
    """A slot on its way from one master to another, key by key. Begins at once."""

    def __init__(self, slot: int, source: Node, target: Node) -> None:
        self.slot, self.source, self.target = slot, source, target
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.ask("CLUSTER", "MYID"))

    def carry(self, count: int) -> int:
        """Carry so many keys over; how many there were."""
        keys = self.source.ask("CLUSTER", "GETKEYSINSLOT", self.slot, count).split()
        if keys:
            self.source.ask("MIGRATE", HOST, self.target.port, '""', 0, 5000, "KEYS", *keys)
        return len(keys)

    def finish(self) -> None:
        """The slot is the target's now."""
        for node in (self.target, self.source):
            node.ask("CLUSTER", "SETSLOT", self.slot, "NODE", self.target.ask("CLUSTER", "MYID"))


def _holds(word: str, slot: int) -> bool:
    first, _, last = word.partition("-")
    return first.isdecimal() and int(first) <= slot <= int(last or first)


@contextmanager
def running_cluster(
    *options: str, masters: int = 3, replicas: bool = True, own: Callable[[], Sequence[str]] = tuple
) -> Iterator[Cluster]:
    """A cluster whose slots are spread evenly, with one replica a master or none; `own` options of each."""
    cluster = Cluster(masters=masters)
    with ExitStack() as stack:
        for _ in range(masters * (2 if replicas else 1)):
            bus = free_port()
            how = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)]
            node = Node(*how, "--cluster-port", str(bus), *options, *own(), bus=bus)
            stack.callback(node.remove)
            node.start()
            cluster.nodes.append(node)
        first, *others = cluster.nodes
        for number in range(masters):
            span = (SLOTS * number // masters, SLOTS * (number + 1) // masters - 1)
            cluster.nodes[number].ask("CLUSTER", "ADDSLOTSRANGE", *span)
        for node in others:
            first.ask("CLUSTER", "MEET", HOST, node.port, node.bus)
        known = f"cluster_known_nodes:{len(cluster.nodes)}"
        until(lambda: all(known in node.ask("CLUSTER", "INFO") for node in cluster.nodes), "nodes meet")
        for master, replica in zip(cluster.nodes, cluster.nodes[masters:], strict=False):
            replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
        until(cluster.settled, "all slots are served")
        until(lambda: all(linked(node) for node in cluster.nodes[masters:]), "replicas follow")
        yield cluster


@dataclass(slots=True)
class Watched:
    """A master with replicas, watched by sentinels."""

    nodes: list[Node]
    sentinels: list[Node]

    @property
    def url(self) -> str:
        """The address by its sentinels."""
        return f"redis+sentinel://{','.join(f'{HOST}:{each.port}' for each in self.sentinels)}/{SERVICE}/0"

    def master(self) -> Node:
        """Whom the first sentinel names."""
        told = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE).split()
        return next(node for node in self.nodes if node.port == int(told[1]))


@contextmanager
def running_sentinels(
    *options: str, replicas: int = 1, sentinels: int = 3, down_ms: int = NODE_TIMEOUT_MS
) -> Iterator[Watched]:
    """A master, its replicas and sentinels that all know each other."""
    with ExitStack() as stack:
        nodes = [Node(*options) for _ in range(1 + replicas)]
        for node in nodes:
            stack.callback(node.remove)
            node.start()
        for replica in nodes[1:]:
            replica.ask("REPLICAOF", HOST, nodes[0].port)
        until(lambda: all(linked(replica) for replica in nodes[1:]), "replicas follow")
        watchers = [Node(sentinel=True) for _ in range(sentinels)]
        for watcher in watchers:
            stack.callback(watcher.remove)
            watcher.start()
            watcher.ask("SENTINEL", "MONITOR", SERVICE, HOST, nodes[0].port, sentinels // 2 + 1)
            watcher.ask("SENTINEL", "SET", SERVICE, "down-after-milliseconds", down_ms)
            watcher.ask("SENTINEL", "SET", SERVICE, "failover-timeout", 10_000)
        watched = Watched(nodes, watchers)
        until(lambda: all(_knows(each, sentinels - 1, replicas) for each in watchers), "sentinels meet")
        yield watched


def linked(replica: Node) -> bool:
    """Whether it follows its master."""
    return replica.fact("replication", "master_link_status") == "up"


def _knows(sentinel: Node, others: int, replicas: int) -> bool:
    words = sentinel.ask("SENTINEL", "MASTER", SERVICE).splitlines()
    told = dict(zip(words[::2], words[1::2], strict=False))
    return (told.get("num-other-sentinels"), told.get("num-slaves")) == (str(others), str(replicas))


def freeze(node: Node) -> None:
    """SIGSTOP: it holds its connections and answers nothing."""
    node.signal(signal.SIGSTOP)


def thaw(node: Node) -> None:
    """SIGCONT."""
    node.signal(signal.SIGCONT)
