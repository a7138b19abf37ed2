"""All that knows redis-py, behind `engine.connection`: nobody else imports it.

`clients` makes pools and links for an endpoint, `cluster` sends to the node that has a key, `blocking`
keeps the reads that wait, `errors` says which of our errors a driver's error is. The driver's own retries
are off everywhere, and what it raises never passes `engine.connection` as it is.
"""
