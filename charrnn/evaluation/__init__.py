"""Evaluation: how well a model predicts a text, in figures with intervals, beside baselines and other models.

It scores and compares, and returns records of numbers and text. It trains nothing, prints nothing and draws nothing.
"""

from charrnn.evaluation.apart import assess_apart
from charrnn.evaluation.assessment import ReportOptions, are_alike, assess, check_alike, mixture_weights
from charrnn.evaluation.baselines import best_order
from charrnn.evaluation.characters import character_names
from charrnn.evaluation.comparison import compare
from charrnn.evaluation.comparison_results import Comparison, RunSummary
from charrnn.evaluation.confusion_map import ConfusionMap
from charrnn.evaluation.mixture import cross_mix
from charrnn.evaluation.predicting import Prediction, check_voters, predict, predict_units, predicted_spans
from charrnn.evaluation.residuals import Residuals
from charrnn.evaluation.results import Assessment, Difference, Novelty, PositionLoss, Row
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import Report, predictions, score, score_each, score_text
from charrnn.evaluation.surprise import Surprise, surprise
from charrnn.evaluation.tagged_sentences import TaggedSentence, TaggedUnit
from charrnn.evaluation.task_assessment import ScoredModel, assess_task
from charrnn.evaluation.task_comparison import TaskComparison, compare_tasks
from charrnn.evaluation.task_details import TaskDetails, task_details
from charrnn.evaluation.task_results import Measure, TaskAssessment
from charrnn.evaluation.task_tsv import per_example
from charrnn.evaluation.task_validation import LOWER_IS_BETTER, validation_figures
from charrnn.evaluation.translation_assessment import ScoredTranslator, assess_translation
from charrnn.evaluation.translation_results import TranslationAssessment
from charrnn.evaluation.translation_tsv import per_pair
from charrnn.evaluation.translation_validation import translation_figures
from charrnn.evaluation.tsv import per_char, per_document, per_line
from charrnn.evaluation.units import has_tokens, spell_sentence

__all__ = [
    "LOWER_IS_BETTER",
    "Assessment",
    "Comparison",
    "ConfusionMap",
    "Difference",
    "Measure",
    "Novelty",
    "PositionLoss",
    "Prediction",
    "Report",
    "ReportOptions",
    "Residuals",
    "Row",
    "RunSummary",
    "ScoredModel",
    "ScoredTranslator",
    "Scores",
    "Surprise",
    "TaggedSentence",
    "TaggedUnit",
    "TaskAssessment",
    "TaskComparison",
    "TaskDetails",
    "TranslationAssessment",
    "are_alike",
    "assess",
    "assess_apart",
    "assess_task",
    "assess_translation",
    "best_order",
    "character_names",
    "check_alike",
    "check_voters",
    "compare",
    "compare_tasks",
    "cross_mix",
    "has_tokens",
    "mixture_weights",
    "per_char",
    "per_document",
    "per_example",
    "per_line",
    "per_pair",
    "predict",
    "predict_units",
    "predicted_spans",
    "predictions",
    "score",
    "score_each",
    "score_text",
    "spell_sentence",
    "surprise",
    "task_details",
    "translation_figures",
    "validation_figures",
]
