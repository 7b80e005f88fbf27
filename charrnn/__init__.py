"""charrnn: character-level recurrent language models on a plain CPU, in NumPy.

    import charrnn

    run = charrnn.Run(charrnn.load_config("my.yaml"))   # open_run() keeps a run directory as well
    for progress in run:                     # one Progress per step
        if progress.record:
            print(progress.record["step"], progress.record["valid_loss"])

    model = charrnn.load("runs/my")          # a checkpoint, or a run directory's best
    print("".join(charrnn.generate(model, length=200, temp=0.8, prime="Once ")))
    print(charrnn.score_text(model, "Once upon a time").bits_per_char)

    model = charrnn.load("runs/origins")     # a classifier or tagger
    print(charrnn.predict(model, ["Mikhailova"])[0].label)

    model = charrnn.load("runs/numbers")     # a translator
    print(charrnn.predict(model, ["472"])[0].text)

A name is imported when it is first used, so that `charrnn --help` starts without NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from charrnn.version import __version__

if TYPE_CHECKING:
    from charrnn.config import Config as Config
    from charrnn.config import config_from_dict as config_from_dict
    from charrnn.config import load_config as load_config
    from charrnn.data import Vocab as Vocab
    from charrnn.errors import CharrnnError as CharrnnError
    from charrnn.evaluation import Prediction as Prediction
    from charrnn.evaluation import Report as Report
    from charrnn.evaluation import predict as predict
    from charrnn.evaluation import score_text as score_text
    from charrnn.generation import Answers as Answers
    from charrnn.generation import generate as generate
    from charrnn.inspection import embed as embed
    from charrnn.models import GatedNetwork as GatedNetwork
    from charrnn.models import Network as Network
    from charrnn.models import NGram as NGram
    from charrnn.models import TaskModel as TaskModel
    from charrnn.models import TranslateModel as TranslateModel
    from charrnn.models import load as load
    from charrnn.training import Progress as Progress
    from charrnn.training import Run as Run
    from charrnn.training import fit as fit
    from charrnn.training import open_run as open_run

_HOMES = {
    "Answers": "generation",
    "CharrnnError": "errors",
    "Config": "config",
    "GatedNetwork": "models",
    "NGram": "models",
    "Network": "models",
    "Prediction": "evaluation",
    "Progress": "training",
    "Report": "evaluation",
    "Run": "training",
    "TaskModel": "models",
    "TranslateModel": "models",
    "Vocab": "data",
    "config_from_dict": "config",
    "embed": "inspection",
    "fit": "training",
    "generate": "generation",
    "load": "models",
    "load_config": "config",
    "open_run": "training",
    "predict": "evaluation",
    "score_text": "evaluation",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    return getattr(import_module(f"charrnn.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
