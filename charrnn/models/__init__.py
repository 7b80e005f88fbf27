"""Models of text: the contract, the recurrent network, the n-gram, and their checkpoints."""

from charrnn.models.header import Evaluation, Header, Sums, TrainingState, model_name
from charrnn.models.language_model import LanguageModel
from charrnn.models.loading import SavedModel, is_checkpoint, load, load_checkpoint, load_latest
from charrnn.models.network import Network
from charrnn.models.ngram import NGram, distinct, order_losses
from charrnn.models.transfer import check_transferable, transfer

__all__ = [
    "Evaluation",
    "Header",
    "LanguageModel",
    "NGram",
    "Network",
    "SavedModel",
    "Sums",
    "TrainingState",
    "check_transferable",
    "distinct",
    "is_checkpoint",
    "load",
    "load_checkpoint",
    "load_latest",
    "model_name",
    "order_losses",
    "transfer",
]
