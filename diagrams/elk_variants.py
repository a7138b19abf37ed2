"""Ways to ask the layout engine. Found by a search over its options and the order of arrows on the project's
own graph; `diagrams.elk` tries each and keeps the picture with the fewest clashes, crossings and bends.
"""

from types import MappingProxyType

VARIANTS = (
    (
        MappingProxyType(
            {
                "elk.layered.compaction.postCompaction.strategy": "NONE",
                "elk.layered.considerModelOrder.strategy": "PREFER_EDGES",
                "elk.layered.crossingMinimization.greedySwitch.type": "ONE_SIDED",
                "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
                "elk.layered.edgeLabels.centerLabelPlacementStrategy": "TAIL_LAYER",
                "elk.layered.edgeLabels.sideSelection": "SMART_DOWN",
                "elk.layered.feedbackEdges": "false",
                "elk.layered.layering.strategy": "NETWORK_SIMPLEX",
                "elk.layered.nodePlacement.strategy": "LINEAR_SEGMENTS",
                "elk.randomSeed": "4",
            }
        ),
        [
            "queued-generating",
            "retry_wait-generating",
            "generating-failed",
            "sending-retry_wait",
            "generating-retry_wait",
            "queued-sending",
            "sending-refunded",
            "sending-done",
            "queued-failed",
            "retry_wait-refunded",
            "generating-generating",
            "queued-refunded",
            "generating-sending",
            "sending-failed",
            "retry_wait-sending",
            "retry_wait-failed",
            "generating-refunded",
        ],
    ),
    (
        MappingProxyType(
            {
                "elk.layered.compaction.postCompaction.strategy": "NONE",
                "elk.layered.considerModelOrder.strategy": "PREFER_EDGES",
                "elk.layered.crossingMinimization.greedySwitch.type": "ONE_SIDED",
                "elk.layered.cycleBreaking.strategy": "GREEDY",
                "elk.layered.edgeLabels.centerLabelPlacementStrategy": "WIDEST_LAYER",
                "elk.layered.edgeLabels.sideSelection": "SMART_DOWN",
                "elk.layered.feedbackEdges": "false",
                "elk.layered.layering.strategy": "NETWORK_SIMPLEX",
                "elk.layered.nodePlacement.strategy": "LINEAR_SEGMENTS",
                "elk.randomSeed": "4",
            }
        ),
        [
            "queued-generating",
            "sending-refunded",
            "generating-failed",
            "sending-retry_wait",
            "sending-failed",
            "queued-sending",
            "retry_wait-generating",
            "sending-done",
            "queued-failed",
            "retry_wait-refunded",
            "generating-generating",
            "queued-refunded",
            "generating-sending",
            "generating-retry_wait",
            "retry_wait-sending",
            "retry_wait-failed",
            "generating-refunded",
        ],
    ),
    (
        MappingProxyType(
            {
                "elk.layered.compaction.postCompaction.strategy": "NONE",
                "elk.layered.considerModelOrder.strategy": "PREFER_EDGES",
                "elk.layered.crossingMinimization.greedySwitch.type": "OFF",
                "elk.layered.cycleBreaking.strategy": "GREEDY",
                "elk.layered.edgeLabels.centerLabelPlacementStrategy": "WIDEST_LAYER",
                "elk.layered.edgeLabels.sideSelection": "ALWAYS_DOWN",
                "elk.layered.feedbackEdges": "false",
                "elk.layered.layering.strategy": "NETWORK_SIMPLEX",
                "elk.layered.nodePlacement.strategy": "LINEAR_SEGMENTS",
                "elk.randomSeed": "41",
            }
        ),
        [
            "sending-failed",
            "generating-failed",
            "sending-refunded",
            "generating-refunded",
            "sending-done",
            "queued-sending",
            "retry_wait-generating",
            "queued-generating",
            "queued-failed",
            "retry_wait-refunded",
            "generating-generating",
            "queued-refunded",
            "generating-sending",
            "generating-retry_wait",
            "retry_wait-sending",
            "retry_wait-failed",
            "sending-retry_wait",
        ],
    ),
)
"""Options over the common ones, and the order in which arrows are handed over (unknown arrows last)."""
