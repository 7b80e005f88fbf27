"""Looking inside a network."""

from charrnn.inspection.gradient_flow import FADED, flow, fresh
from charrnn.inspection.neurons import GATES, followers, watch

__all__ = ["FADED", "GATES", "flow", "followers", "fresh", "watch"]
