"""The durable machinery: it remembers, drives and counts, and never decides.

A worker claims a job, asks `states` what to do, calls a port, asks `states` what that meant and
commits the answer in one Lua call: decide purely, persist atomically, then act.
May import: `states`; redis (in `connection`), orjson (in `codec`), loguru (in `logbook`).
"""
