"""`reelstate simulate`: the engine, a front process, workers, users, a provider and Telegram, from a seed."""
