"""Measuring the engine: the real worker, committer, store and relay over a real server, with instant ports.

Nothing here decides or stores anything of its own. What is timed is the engine as it runs in production;
only the outside world (provider, chat) answers at once and in process, because a benchmark of somebody
else's network says nothing. Counts are bounded, servers are on loopback, absolute numbers belong to the
machine they were taken on: only ratios of one interleaved run carry over.
"""
