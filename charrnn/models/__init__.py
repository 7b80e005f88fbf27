"""Models of text: of a language, a recurrent network or an n-gram; or to classify and to tag; and their checkpoints.

Shapes: T steps, N streams, L layers, S states, H hidden units, V vocabulary. Models score, predict and move their
state; they do not train themselves.
"""

from charrnn.models.building import AnyModel, AnyNetwork, check_arrays
from charrnn.models.counting import distinct
from charrnn.models.dropping import dropping_scalars
from charrnn.models.folds import fold_log_probs, have_folds
from charrnn.models.gated_network import GatedNetwork, without_gate
from charrnn.models.header import Evaluation, Header, Sums, TrainingState, model_name
from charrnn.models.known import is_known, known_documents
from charrnn.models.language_model import LanguageModel, ReadCharacter
from charrnn.models.loading import SavedModel, is_checkpoint, load, load_checkpoint, load_latest
from charrnn.models.mixed_model import MixedModel
from charrnn.models.network import Network, build_stack, parameter_count, parameter_shapes
from charrnn.models.ngram import NGram, order_losses
from charrnn.models.ngram_classifier import NGramClassifier, choose_order
from charrnn.models.task_model import TaskModel, task_of
from charrnn.models.task_network import Task, TaskNetwork, build_encoder, task_shapes, task_size
from charrnn.models.transfer import check_transferable, transfer
from charrnn.models.translate_model import TranslateModel, translation_of
from charrnn.models.translate_network import Encoded, TranslateNetwork
from charrnn.models.translate_parts import Translation, translate_shapes, translate_size, translate_tape_scalars

__all__ = [
    "AnyModel",
    "AnyNetwork",
    "Encoded",
    "Evaluation",
    "GatedNetwork",
    "Header",
    "LanguageModel",
    "MixedModel",
    "NGram",
    "NGramClassifier",
    "Network",
    "ReadCharacter",
    "SavedModel",
    "Sums",
    "Task",
    "TaskModel",
    "TaskNetwork",
    "TrainingState",
    "TranslateModel",
    "TranslateNetwork",
    "Translation",
    "build_encoder",
    "build_stack",
    "check_arrays",
    "check_transferable",
    "choose_order",
    "distinct",
    "dropping_scalars",
    "fold_log_probs",
    "have_folds",
    "is_checkpoint",
    "is_known",
    "known_documents",
    "load",
    "load_checkpoint",
    "load_latest",
    "model_name",
    "order_losses",
    "parameter_count",
    "parameter_shapes",
    "task_of",
    "task_shapes",
    "task_size",
    "transfer",
    "translate_shapes",
    "translate_size",
    "translate_tape_scalars",
    "translation_of",
    "without_gate",
]
