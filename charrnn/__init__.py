"""charrnn: character-level recurrent language models on a plain CPU, in NumPy.

    import charrnn

    run = charrnn.Run(charrnn.load_config("my.yaml"))   # open_run() keeps a run directory as well
    for progress in run:                     # one Progress per step
        if progress.record:
            print(progress.record["step"], progress.record["valid_loss"])

    model = charrnn.load("runs/my")          # a checkpoint, or a run directory's best
    print("".join(charrnn.generate(model, length=200, temp=0.8, prime="Once ")))
    print(charrnn.score_text(model, "Once upon a time").bits_per_char)

Names are imported when they are first used, so that `charrnn --help` does not wait for NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from charrnn.config.building import config_from_dict as config_from_dict
    from charrnn.config.building import load_config as load_config
    from charrnn.config.keys import Config as Config
    from charrnn.data.vocab import Vocab as Vocab
    from charrnn.errors import CharrnnError as CharrnnError
    from charrnn.evaluation.scoring import Report as Report
    from charrnn.evaluation.scoring import score_text as score_text
    from charrnn.generation.sampling import generate as generate
    from charrnn.models.loading import load as load
    from charrnn.models.network import Network as Network
    from charrnn.models.ngram import NGram as NGram
    from charrnn.training.fit_ngram import fit as fit
    from charrnn.training.loop import Run as Run
    from charrnn.training.opening import open_run as open_run
    from charrnn.training.state import Progress as Progress

_HOMES = {
    "CharrnnError": "errors",
    "Config": "config.keys",
    "NGram": "models.ngram",
    "Network": "models.network",
    "Progress": "training.state",
    "Report": "evaluation.scoring",
    "Run": "training.loop",
    "Vocab": "data.vocab",
    "config_from_dict": "config.building",
    "fit": "training.fit_ngram",
    "generate": "generation.sampling",
    "load": "models.loading",
    "load_config": "config.building",
    "open_run": "training.opening",
    "score_text": "evaluation.scoring",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    return getattr(import_module(f"charrnn.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
