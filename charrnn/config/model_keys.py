"""The keys of the section `model`. See keys.py."""

from dataclasses import dataclass
from typing import Literal

from charrnn.config.table import FOLLOWS_TEXT, Condition, key


@dataclass(frozen=True)
class InitConfig:
    """How the parameters are initialised."""

    scheme: Literal["fan_in", "one_hot", "uniform", "normal", "orthogonal"] = key(
        "fan_in",
        "fan_in: uniform within +-scale / sqrt(hidden_size), as in PyTorch. one_hot: the weights that a symbol "
        "selects are normal with standard deviation scale, as PyTorch's embeddings, and all other parameters as with "
        "fan_in of scale 1. uniform: uniform within +-scale. normal: normal with standard deviation "
        "scale. orthogonal: recurrent matrices are orthogonal, times scale (Saxe et al. 2014), and all other "
        "parameters as with fan_in.",
    )
    scale: float | None = key(
        None, "Scale of the scheme; null: 1 for fan_in, one_hot and orthogonal, 0.08 for uniform and normal.", above=0
    )


@dataclass(frozen=True)
class ModelConfig:
    """The model."""

    cell: Literal["rnn", "lstm", "gru", "ngram"] = key(
        "gru",
        "The recurrent cell, or ngram: a Markov model that is counted in seconds instead of trained, as a baseline; to "
        "classify, one for each label, with Bayes' rule. An n-gram ignores every model key but order and smoothing, "
        "and all of train except batch_size and seq_length under data.split: streams.",
    )
    order: int = key(
        7,
        "The n of the n-gram. It counts the predicted character: an n-gram predicts from the n - 1 characters before. "
        "To classify, the highest that is tried; the validation split chooses.",
        low=1,
        high=20,
        only=Condition("model.cell", ("ngram",)),
    )
    smoothing: Literal["kneser-ney", "witten-bell", "additive"] = key(
        "kneser-ney",
        "How the n-gram gives probability to what it has not seen. kneser-ney: interpolated, modified (Chen and "
        "Goodman 1998). witten-bell: interpolated. additive: add one to every count.",
        only=Condition("model.cell", ("ngram",)),
    )
    ngram: int = key(
        FOLLOWS_TEXT,
        "The n of a Kneser-Ney n-gram inside a language model. The network learns, character by character, how far to "
        "rely on it: p = g p_network + (1 - g) p_ngram, with a learned gate g. The checkpoint then holds the training "
        "text. 0: none; null: follows the text where hidden_size does.",
        low=0,
        high=20,
        only=Condition("task", ("language",)),
    )
    hidden_size: int = key(
        FOLLOWS_TEXT,
        "Hidden units in each layer; null: follows the length of the text.",
        low=1,
        high=65536,
    )
    num_layers: int = key(
        FOLLOWS_TEXT,
        "Number of stacked recurrent layers; null: follows the length of the text, and at least 2 with dropout or skip "
        "connections.",
        low=1,
        high=64,
    )
    skip_connections: bool = key(
        False,
        "Whether the output layer reads the sum of the outputs of all layers, instead of the outputs of the top layer "
        "alone (Graves 2013).",
        only=Condition("task", ("language",)),
    )
    embedding_size: int | None = key(
        None, "Size of a learned character embedding; null: each character selects a row of the input weights.", low=1
    )
    dropout: float = key(
        FOLLOWS_TEXT,
        "Fraction of the values between layers that is dropped in training; null: follows the length of the text, and "
        "0 for one layer.",
        low=0,
        below=1,
    )
    output_dropout: float = key(
        0.0,
        "Fraction of what the output layer reads that is dropped in training.",
        low=0,
        below=1,
    )
    recurrent_dropout: float = key(
        0.0,
        "Fraction of the recurrent weights that is dropped in training, anew for each batch (Merity et al. 2018).",
        low=0,
        below=1,
    )
    bidirectional: bool | None = key(
        None,
        "Read in both directions, by as many hidden units in each. null: true with every task but language: a language "
        "model would see the characters that it is to predict. To translate, the source is read in both directions.",
    )
    attention: Literal["general", "dot", "additive", "none"] = key(
        "general",
        "How a decoder looks back at its source, at each step. general: scores s' W h (Luong et al. 2015). dot: s' h, "
        "for a source that is read in one direction. additive: v' tanh(W s + U h) (Bahdanau et al. 2015). none: it has "
        "only the last states of the encoder.",
        only=Condition("task", ("translate",)),
    )
    pooling: Literal["last", "mean", "max"] = key(
        "last",
        "How the outputs of a whole example become one vector. last: where each direction ends. mean, max: over all "
        "characters.",
        only=Condition("task", ("classify",)),
    )
    output: Literal["softmax", "sigmoid", "linear"] = key(
        "softmax",
        "softmax: one of several labels. sigmoid: each label by itself, yes or no. linear: numbers.",
        only=Condition("task", ("classify",)),
    )
    scheme: Literal["plain", "bio", "segments"] = key(
        "plain",
        "What labels stand for. plain: each for itself. bio: labels such as B-PER, I-PER and O are spans, and only "
        "sequences are predicted in which an I continues a span. segments: the tokens of conll or conllu files are "
        "segments of their text; each character begins one (B), continues it (I), or is a blank between two (O). A "
        "blank within a token is I, and no token is predicted that begins or ends with a blank. A blank follows each "
        "token, in conllu but for those with SpaceAfter=No.",
        only=Condition("task", ("tag",)),
    )
    input_dropout: float = key(
        0.0,
        "Fraction of the characters that are read as unknown in training; to translate, those of the source.",
        low=0,
        below=1,
        only=Condition("task", ("classify", "tag", "translate")),
    )
    activation: Literal["tanh", "relu", "sigmoid"] = key(
        "tanh", "Activation function of the plain RNN.", only=Condition("model.cell", ("rnn",))
    )
    reset: Literal["after", "before"] = key(
        "after",
        "Where the GRU applies its reset gate: after the recurrent product, as PyTorch, or before it (Cho et al. "
        "2014).",
        only=Condition("model.cell", ("gru",)),
    )
    forget_bias: float = key(1.0, "Initial bias of the LSTM's forget gate.", only=Condition("model.cell", ("lstm",)))
    init: InitConfig = key(InitConfig(), "How the parameters are initialised; a word alone is the scheme.")
