"""Evaluation: how well a model predicts a text, in figures with intervals, beside baselines and other models.

It scores and compares, and returns records of numbers and text. It trains nothing, prints nothing and draws nothing.
"""

from charrnn.evaluation.assessment import ReportOptions, assess
from charrnn.evaluation.baselines import best_order
from charrnn.evaluation.characters import character_names
from charrnn.evaluation.comparison import compare
from charrnn.evaluation.mixture import cross_mix
from charrnn.evaluation.results import Assessment, Comparison, Novelty, PositionLoss, Row, RunSummary
from charrnn.evaluation.scoring import Report, score, score_each, score_text
from charrnn.evaluation.surprise import Surprise, surprise
from charrnn.evaluation.tsv import per_char, per_document, per_line

__all__ = [
    "Assessment",
    "Comparison",
    "Novelty",
    "PositionLoss",
    "Report",
    "ReportOptions",
    "Row",
    "RunSummary",
    "Surprise",
    "assess",
    "best_order",
    "character_names",
    "compare",
    "cross_mix",
    "per_char",
    "per_document",
    "per_line",
    "score",
    "score_each",
    "score_text",
    "surprise",
]
