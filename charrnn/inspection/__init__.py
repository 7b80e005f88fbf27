"""Looking inside a network: its states, what its units follow, how its gates saturate, how far its gradients reach, and
where a translator looks in its source.

It reads a network and a text and returns records. It changes no parameter and draws nothing.
"""

from charrnn.inspection.attention import AttentionMap, attention_maps
from charrnn.inspection.gradient_flow import VANISHED, GradientFlow, ModelFlow, flow, untrained
from charrnn.inspection.neurons import Activity, Follower, UnitTrace, followers, unit_trace, watch
from charrnn.inspection.occlusion import Occlusion, occlusions
from charrnn.inspection.states import embed, embed_ids, encoded

__all__ = [
    "VANISHED",
    "Activity",
    "AttentionMap",
    "Follower",
    "GradientFlow",
    "ModelFlow",
    "Occlusion",
    "UnitTrace",
    "attention_maps",
    "embed",
    "embed_ids",
    "encoded",
    "flow",
    "followers",
    "occlusions",
    "unit_trace",
    "untrained",
    "watch",
]
