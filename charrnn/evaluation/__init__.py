"""Evaluation: how well a model predicts a text, in figures with intervals, beside baselines and other models.

It scores and compares, and returns records of numbers and text. It trains nothing, prints nothing and draws nothing.
"""

from charrnn.evaluation.assessment import ReportOptions, assess, check_alike, mixture_weights
from charrnn.evaluation.baselines import best_order
from charrnn.evaluation.characters import character_names
from charrnn.evaluation.comparison import compare
from charrnn.evaluation.mixture import cross_mix
from charrnn.evaluation.predicting import Prediction, check_voters, predict, predict_units, predicted_spans
from charrnn.evaluation.results import Assessment, Comparison, Difference, Novelty, PositionLoss, Row, RunSummary
from charrnn.evaluation.scoring import Report, score, score_each, score_text
from charrnn.evaluation.surprise import Surprise, surprise
from charrnn.evaluation.task_assessment import ScoredModel, assess_task
from charrnn.evaluation.task_comparison import TaskComparison, compare_tasks
from charrnn.evaluation.task_results import Measure, TaskAssessment
from charrnn.evaluation.task_tsv import per_example
from charrnn.evaluation.task_validation import validation_figures
from charrnn.evaluation.tsv import per_char, per_document, per_line
from charrnn.evaluation.units import has_tokens, spell_sentence

__all__ = [
    "Assessment",
    "Comparison",
    "Difference",
    "Measure",
    "Novelty",
    "PositionLoss",
    "Prediction",
    "Report",
    "ReportOptions",
    "Row",
    "RunSummary",
    "ScoredModel",
    "Surprise",
    "TaskAssessment",
    "TaskComparison",
    "assess",
    "assess_task",
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
    "predict",
    "predict_units",
    "predicted_spans",
    "score",
    "score_each",
    "score_text",
    "spell_sentence",
    "surprise",
    "validation_figures",
]
