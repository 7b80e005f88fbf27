"""What a run reads before it trains: a text, examples with labels, or pairs."""

from charrnn.config import Config
from charrnn.data import Corpus, ExampleCorpus, PairCorpus, load_corpus, load_examples, load_pairs

AnyCorpus = Corpus | ExampleCorpus | PairCorpus


def read_corpus(config: Config) -> AnyCorpus:
    """Read what a config names. Raises TextError."""
    if config.task == "language":
        return load_corpus(config)
    return load_pairs(config) if config.task == "translate" else load_examples(config)
