"""What a person sees: lines in a terminal, tables, charts, and pages in HTML.

It draws results that it is handed and computes none of them. All text of a user's is escaped here.
"""

from charrnn.display.fitted_summary import fitted_lines
from charrnn.display.formats import curve
from charrnn.display.lines import aligned, comparison_lines, evaluation_lines, flow_lines, verdicts
from charrnn.display.page_evaluation import evaluation_page
from charrnn.display.page_inside import Inside, gradient_charts
from charrnn.display.page_run import HeldOut, PageData, Sample, TrainingCurves, run_page
from charrnn.display.page_task import HeldOutExamples, examples_page
from charrnn.display.page_translation import HeldOutPairs
from charrnn.display.run_summary import describe_bench, describe_estimate, gain_lines, opening
from charrnn.display.svg import standalone
from charrnn.display.task_comparison import task_comparison_lines, task_verdicts
from charrnn.display.task_lines import task_lines
from charrnn.display.translation_lines import translation_lines

__all__ = [
    "HeldOut",
    "HeldOutExamples",
    "HeldOutPairs",
    "Inside",
    "PageData",
    "Sample",
    "TrainingCurves",
    "aligned",
    "comparison_lines",
    "curve",
    "describe_bench",
    "describe_estimate",
    "evaluation_lines",
    "evaluation_page",
    "examples_page",
    "fitted_lines",
    "flow_lines",
    "gain_lines",
    "gradient_charts",
    "opening",
    "run_page",
    "standalone",
    "task_comparison_lines",
    "task_lines",
    "task_verdicts",
    "translation_lines",
    "verdicts",
]
