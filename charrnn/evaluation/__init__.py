"""Scoring text, and what the scores say."""

from charrnn.evaluation.assessment import ReportOptions, assess
from charrnn.evaluation.comparison import compare
from charrnn.evaluation.figures import shown
from charrnn.evaluation.scoring import Report, guesses, score, score_text
from charrnn.evaluation.tsv import per_char, per_line

__all__ = [
    "Report",
    "ReportOptions",
    "assess",
    "compare",
    "guesses",
    "per_char",
    "per_line",
    "score",
    "score_text",
    "shown",
]
