"""The samples that are drawn during training. It writes nothing."""

from charrnn.config import Config
from charrnn.generation import generate
from charrnn.models import Network

TEMPERATURE = 0.8


def draw_sample(network: Network, config: Config, step: int) -> str:
    """Return train.sample_length characters drawn after a step: other ones at each step, the same in every run."""
    seed = config.seed ^ step << 20
    return "".join(generate(network, config.train.sample_length, temp=TEMPERATURE, seed=seed))
