"""The live page: the painted graph lighting up as jobs move, with what an engineer asks beside it.

An aiohttp sub-application. It reads an installation through `LiveSource` and knows nothing of the engine.
"""

from diagrams.live.app import live_app
from diagrams.live.door import Access
from diagrams.live.source import DueRow, JobView, LiveSource, Move, NotReadyError

__all__ = ["Access", "DueRow", "JobView", "LiveSource", "Move", "NotReadyError", "live_app"]
