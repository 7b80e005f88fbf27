"""Models of text: the contract, the recurrent network, the n-gram, and their checkpoints."""

from charrnn.models.header import describe, describe_model
from charrnn.models.language_model import LanguageModel
from charrnn.models.loading import SavedModel, is_checkpoint, load, load_checkpoint, load_latest, own_corpus
from charrnn.models.network import Network
from charrnn.models.ngram import NGram, distinct, order_losses
from charrnn.models.transfer import check_transferable, transfer

__all__ = [
    "LanguageModel",
    "NGram",
    "Network",
    "SavedModel",
    "check_transferable",
    "describe",
    "describe_model",
    "distinct",
    "is_checkpoint",
    "load",
    "load_checkpoint",
    "load_latest",
    "order_losses",
    "own_corpus",
    "transfer",
]
