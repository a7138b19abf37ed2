"""A world on loopback: a KIE server and a Telegram server of our own, speaking the real HTTP APIs.

The real clients run against it unmodified, and any call can be made to fail (`faults`), for whole
stories by name (`scenarios`). It is the demo, the test bench and the simulator's world. Renders are
real: the user's photo becomes a playable H.264 film (`render`).
"""
