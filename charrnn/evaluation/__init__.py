"""Evaluation: how well a model predicts a text, in figures with intervals, beside baselines and other models.

It scores and compares, and returns records of numbers and text. It trains nothing, prints nothing and draws nothing.
"""

from charrnn.evaluation.assessment import ReportOptions, assess
from charrnn.evaluation.characters import character_names
from charrnn.evaluation.comparison import compare
from charrnn.evaluation.results import Assessment, Comparison, Novelty, PositionLoss, Row, RunSummary
from charrnn.evaluation.scoring import Report, score, score_text
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
    "character_names",
    "compare",
    "per_char",
    "per_document",
    "per_line",
    "score",
    "score_text",
    "surprise",
]
