"""Update rules, gradient clipping and learning-rate schedules, all on flat vectors.

P parameters in one vector. Nothing here knows the names or shapes of parameters, or when a step is taken.
"""

from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import RULES, Hyper, Optimizer
from charrnn.optim.schedules import Plateau, rate_share

__all__ = ["RULES", "Hyper", "Optimizer", "Plateau", "clip_", "global_norm", "rate_share"]
