"""The engine under a virtual clock: the real code and the real scripts, an artificial time and fate.

One event loop without IO: time jumps to the next timer, and every command to the store is executed on a
real server within a step of a task, so nothing but the seed decides what happens in which order. A *host*
is one simulated process: it may be killed or frozen at any await, cut off from the store, or told a wrong
time. A *witness* reads every answer of the store and knows at once when a write got past the fence.

The outside (provider, Telegram, users) is handed in by the wiring: see `adapters.sandbox.world`.
"""
