"""The outside world behind the engine's ports: one outside thing a package, expected trouble as values."""
