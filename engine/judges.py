"""One judge a graph version: a job finishes on the graph it was launched with, whatever runs today.

Every graph a store has ever used lies in it whole, so a worker of a newer program can judge an older job.
What it cannot read (a newer program's words) it leaves to a worker that can.
"""

from dataclasses import dataclass, field

from engine.store import Store
from engine.store_export import canonical_graph
from states.graph_json import GraphFileError, graph_from_json
from states.job import Job
from states.machine import Judge
from states.strategy import Strategy


@dataclass(slots=True)
class Judges:
    """The judges of one process. `current` makes new jobs."""

    store: Store
    current: Judge
    _others: dict[str, Judge] = field(default_factory=dict)

    async def know(self, job: Job) -> bool:
        """Get ready to judge this job. False: its graph is not to be had or not to be read here."""
        digest = job.graph
        if digest == self.current.graph.digest or digest in self._others:
            return True
        try:
            graph = graph_from_json(await canonical_graph(self.store, digest))
        except GraphFileError:
            return False
        if graph.digest != digest:
            return False
        self._others[digest] = Judge(graph)
        return True

    def of(self, job: Job) -> Judge:
        """The judge of a job that `know` was asked about; the current one where it said no."""
        return self._others.get(job.graph, self.current)

    def strategy(self, job: Job) -> Strategy:
        """The policy a job is judged by."""
        return self.of(job).graph.strategy
