"""`reelstate check`: every invariant of the store, proved on a live or a dumped one.

`rules` says what is proved; `sweep` reads a store piece by piece (each piece as of one moment), the other
modules turn what was read into findings, without IO.
"""
