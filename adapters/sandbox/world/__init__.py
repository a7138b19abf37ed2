"""The simulator's outside world, in process: a provider, a Telegram, a store's wire, and fate.

Nothing here knows the time or rolls a die by itself: the simulation hands both in, so that the same seed
gives the same world to the byte. The provider stands behind `engine.ports.VideoMaker`; Telegram answers
the Bot API's calls as plain JSON, so that the real courier and notifier stand in front of it.
"""
