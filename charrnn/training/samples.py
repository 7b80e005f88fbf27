"""The samples that are drawn during training. It writes nothing."""

from charrnn.config import Config
from charrnn.generation import Joints, Options, draw_together, generate
from charrnn.models import LanguageModel

TEMPERATURE = 0.8
SIDE_BY_SIDE = 8  # documents drawn at a time


def draw_sample(network: LanguageModel, config: Config, step: int) -> str:
    """Return train.sample_length characters drawn after a step: other ones at each step, the same in every run.

    Of a model of documents they are several documents, one after another, of which the last may be cut.
    """
    seed, length = config.seed ^ step << 20, config.train.sample_length
    if network.vocab.end_id is None:
        return "".join(generate(network, length, temp=TEMPERATURE, seed=seed))
    joints, options = Joints.of(config.data.documents), Options(length, TEMPERATURE)
    documents: list[str] = []
    while len(text := joints.join(documents)) < length:
        documents += draw_together(network, options, SIDE_BY_SIDE, seed=seed, first=len(documents))
    return text[:length]
