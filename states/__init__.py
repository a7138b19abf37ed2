"""The rules: words, strategy table, state graph, judge and classifiers.

Everything here is pure: no IO, no clock, no randomness, no asyncio. Time, random numbers and
verdicts come in as arguments, so each decision can be recomputed from a job's history.
The way through the room: `vocabulary` (words) -> `job` (what is known of one generation) ->
`strategy` (one row a reason) -> `graph` (edges built from the rows) -> `machine` (the judge and its
flat table) -> `plan` (what a worker does next) -> `decide` (what that meant).
May import: `transitions` and the standard library's pure parts.
"""
