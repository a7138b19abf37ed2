"""The composition root: the only part of bot/ that knows the adapters.

`app` puts a real installation together, `sandbox` gives it a world of its own to run in, `story` plays a
named scenario in that world.
"""
