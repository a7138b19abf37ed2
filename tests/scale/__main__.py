"""A fleet to play with: `python -m tests.scale cluster`, or `sentinel`; `--server redis` for this machine's.

Three masters with a replica each, or a master with two replicas under three sentinels, all on loopback and
in memory of this run only. Prints REDIS_URL and stays until Ctrl-C.
"""

import argparse
import os
import signal
import sys
from contextlib import ExitStack

from tests.fleet import Node, running_cluster, running_sentinels
from tests.servers import server_binary

SURE = ("--appendonly", "yes", "--appendfsync", "always")


def main() -> int:
    """Start, print, wait."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("fleet", choices=("cluster", "sentinel"))
    parser.add_argument("--server", default="valkey", help="valkey (default), redis, or a path")
    chosen = parser.parse_args()
    os.environ["REELSTATE_TEST_SERVER"] = chosen.server
    try:
        server_binary()
    except RuntimeError as error:
        sys.stderr.write(f"{error}: apt install redis-server redis-sentinel redis-tools\n")
        return 2
    with ExitStack() as stack:
        if chosen.fleet == "cluster":
            cluster = stack.enter_context(running_cluster(*SURE))
            show(cluster.url, cluster.nodes)
        else:
            watched = stack.enter_context(running_sentinels(*SURE, replicas=2))
            show(watched.url, watched.nodes)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def show(url: str, nodes: list[Node]) -> None:
    """The address, and which process to kill."""
    sys.stdout.write(f"REDIS_URL={url}\n")
    for node in nodes:
        sys.stdout.write(f"  {node.fact('replication', 'role')} on port {node.port}, pid {node.pid}\n")
    sys.stdout.write("Ctrl-C ends them all.\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
