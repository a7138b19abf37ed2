"""`make soak`: a thousand users and mixed faults on real processes for half an hour of real time.

The bot, two workers and the embedded Valkey are processes of their own; provider and Telegram are the sandbox
over real HTTP. What is measured is what an operator would see after a week: memory that stays flat, no key
without an end, books that balance. `python -m tests.soak --help` names the knobs.
"""
