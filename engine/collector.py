"""The garbage collector of a process that serves for days.

Left alone, Python looks for cycles after every 700 new objects, and a busy worker makes that many in two
jobs: a tenth of its time. Rules, graphs and texts live as long as the process and are not looked at again.
"""

import gc
from typing import Final

YOUNG: Final = 20_000
"""New objects between two looks at the young ones."""


def settle() -> None:
    """What is there now stays for good; look for garbage more rarely. Once, when a process is set up."""
    gc.collect()
    gc.freeze()
    _, older, oldest = gc.get_threshold()
    gc.set_threshold(YOUNG, older, oldest)
