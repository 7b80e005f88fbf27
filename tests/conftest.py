"""Strict numerics for every test, and the small random networks and stored references that several files share."""

import importlib
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.batches import Batch, Batches
from charrnn.data.vocab import Vocab
from charrnn.models.network import Network, Tape

pytest_plugins = ["tests.support.torture"]

settings.register_profile("suite", deadline=None, derandomize=True)  # no timing, and every run is the same run
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def strict_numerics() -> Iterator[None]:
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(autouse=True, scope="session")
def signals_that_end() -> None:
    """Undo ignored signals: background jobs and nohup ignore some, and every process that a test starts would too."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(autouse=True, scope="session")
def one_blas_thread() -> Iterator[None]:
    """Such small products gain nothing from threads, and slow down when other tests run in parallel."""
    with threadpool_limits(1):
        yield


def _peak_memory(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="session")
def peak_memory() -> Callable[[Callable[[], Any]], int]:
    """peak_memory(work): the most bytes allocated at any time while work() runs."""
    return _peak_memory


# -- small networks -----------------------------------------------------------------------------------------------

HIDDEN = 3
CELLS: dict[str, dict[str, Any]] = {
    "rnn-tanh": {"cell": "rnn"},
    "rnn-relu": {"cell": "rnn", "activation": "relu"},
    "rnn-sigmoid": {"cell": "rnn", "activation": "sigmoid"},
    "lstm": {"cell": "lstm"},
    "gru-after": {"cell": "gru"},
    "gru-before": {"cell": "gru", "reset": "before"},
}
COMPOSITIONS = {
    f"{name}-x{layers}-{f'embedding{embedding}' if embedding else 'lookup'}{'-dropout' * bool(dropout)}": ModelConfig(
        **cell, hidden_size=HIDDEN, num_layers=layers, embedding_size=embedding, dropout=dropout
    )
    for name, cell in CELLS.items()
    for layers in (1, 2, 3)
    for embedding in (None, 2, 4)  # narrower and wider than the layers
    for dropout in ((0.0, 0.4) if layers > 1 else (0.0,))
} | {
    f"{name}-x{layers}-skips{'-dropout' * bool(dropout)}": ModelConfig(
        **cell, hidden_size=HIDDEN, num_layers=layers, embedding_size=2, dropout=dropout, skip_connections=True
    )
    for name, cell in CELLS.items()
    for layers in (2, 3)
    for dropout in (0.0, 0.4)
}


@pytest.fixture(scope="session", params=CELLS.values(), ids=CELLS)
def cell(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The keys of a ModelConfig that choose a cell: each of the six in turn."""
    return request.param


@pytest.fixture(scope="session", params=COMPOSITIONS.values(), ids=COMPOSITIONS)
def composition(request: pytest.FixtureRequest) -> ModelConfig:
    """Every cell x 1 to 3 layers x embedding and none x dropout and none; and with skip connections."""
    return request.param


@dataclass
class Toy:
    """A small random network, a carried state to begin from, and one tape for all of its windows.

    `full` is a window as long as the tape; `short` is shorter, and some of its targets have weight 0.
    """

    network: Network
    full: Batch
    short: Batch
    start: Array
    tape: Tape

    def forward(self, batch: Batch) -> tuple[Any, Array]:
        """Loss and state after a window; every call begins from the same state and drops the same values."""
        state = self.start.copy()
        return self.network.forward(batch, state, self.tape, np.random.default_rng(1)), state

    def gradient(self, batch: Batch) -> Array:
        """The gradient for the window, flat."""
        self.forward(batch)
        self.network.backward(batch, self.tape)
        return self.network.params.grads.copy()


def _make_toy(
    config: ModelConfig,
    dtype: Any = np.float64,
    vocab_size: int = 5,
    streams: int = 3,
    length: int = 4,
    seed: int = 0,
    documents: bool = False,
) -> Toy:
    rng = np.random.default_rng(seed)
    network = Network(config, Vocab("".join(map(chr, range(97, 97 + vocab_size))), end="a" * documents), dtype)
    network.params.values[...] = rng.standard_normal(network.params.size) / np.sqrt(config.hidden_size)
    targets = (2 * length - 1) * streams - (streams - 1)
    ids = rng.integers(0, vocab_size, targets + 1).astype(np.min_scalar_type(vocab_size - 1))
    batches = Batches(ids, streams, length)
    full, short = batches[0], batches[1]
    start = network.start(streams)
    start[...] = 0.5 * rng.standard_normal(start.shape)
    if documents:
        full, short = (replace(batch, begins=rng.random(batch.x.shape) < 0.3) for batch in (full, short))
        for begins in (full.begins, short.begins):
            assert begins is not None
            begins[0, 0], begins[-1, 0] = False, True
    return Toy(network, full, short, start, network.tape(length, streams))


@pytest.fixture(scope="session")
def make_toy() -> Callable[..., Toy]:
    """make_toy(config, dtype=float64, vocab_size=5, streams=3, length=4, seed=0, documents=False): a Toy.

    It is the same for the same seed. With `documents`, these begin at random places of both windows.
    """
    return _make_toy


# -- references from PyTorch --------------------------------------------------------------------------------------

FIXTURES = Path(__file__).parent / "support" / "fixtures"


@pytest.fixture(scope="session")
def stored() -> dict[str, dict[str, Array]]:
    """What make_torch_fixture.py wrote: name of a record -> its arrays by name."""
    return read_records("torch.npz")


def read_records(name: str) -> dict[str, dict[str, Array]]:
    """The records of a file of fixtures, whose keys are `record:array`."""
    records: dict[str, dict[str, Array]] = {}
    with np.load(FIXTURES / name, allow_pickle=False) as file:
        for path in file.files:
            record, _, key = path.partition(":")
            records.setdefault(record, {})[key] = file[path]
    return records


@pytest.fixture(scope="session")
def live() -> ModuleType:
    """make_torch_fixture.py itself, for records made on the spot; the test is skipped without PyTorch."""
    pytest.importorskip("torch")
    return importlib.import_module("tests.support.fixtures.make_torch_fixture")
