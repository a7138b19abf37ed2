"""Logs replayed: is each recorded move what the graph says, and what would another policy have done?

Pure but for reading files: records in, values out. Nothing here talks to a store, a provider or a user.
"""
