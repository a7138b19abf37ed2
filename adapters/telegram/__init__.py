"""Telegram behind the engine's ports: delivery that cannot duplicate, notices, updates and photos."""
