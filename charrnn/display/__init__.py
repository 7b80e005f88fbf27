"""What a person sees. It draws results that it is handed."""

from charrnn.display.formats import curve, duration
from charrnn.display.page_evaluation import evaluation_page
from charrnn.display.page_inside import gradient_charts
from charrnn.display.page_run import run_page
from charrnn.display.run_summary import describe_bench, describe_estimate, opening
from charrnn.display.svg import standalone
from charrnn.display.tables import comparison, evaluation, flows

__all__ = [
    "comparison",
    "curve",
    "describe_bench",
    "describe_estimate",
    "duration",
    "evaluation",
    "evaluation_page",
    "flows",
    "gradient_charts",
    "opening",
    "run_page",
    "standalone",
]
