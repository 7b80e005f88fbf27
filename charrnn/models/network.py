"""Network: a configuration and a vocabulary made into input, stack and head; a LanguageModel.

Shapes: T steps, N streams, V vocabulary, L layers, S states, H hidden units. Parameters live in one Params; the state
(L, S, N, H) belongs to the caller and so does the Tape of a training step. No optimizer, no text, no files but its own.
"""

from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.config.keys import Config, ModelConfig, TrainConfig, config_from_dict
from charrnn.data.reading import Batch, Vocab
from charrnn.errors import CheckpointError, ConfigError, NewerFormatError
from charrnn.models.ngram import NGram
from charrnn.nn.cells import make_cell
from charrnn.nn.heads import NextCharacter
from charrnn.nn.params import Array, Params, zeros
from charrnn.nn.recurrent import Stack, StackTape
from charrnn.nn.stepper import Decoder
from charrnn.storage import checkpoint


@dataclass
class Tape:
    """Memory of one forward/backward pair: the stack's and the logits (T * N, V)."""

    stack: StackTape
    logits: Array
    h: Array | None = None  # rows (T * N, H) that the head read in the latest forward
    dropped: bool = False


class Network:
    """A recurrent character model.

    Arguments: `config`, the model section; `vocab`; `dtype`, float32 to train, float64 (or complex128) to check;
    `values` and `grads`, memory for the parameters and their gradients, as in Params.
    Attributes: `params`, all zero until initialise() or load().
    """

    def __init__(
        self,
        config: ModelConfig,
        vocab: Vocab,
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        if config.cell == "ngram":
            raise ConfigError("model.cell: ngram is counted, not trained step by step; use charrnn.fit")
        self.config, self.dtype = config, np.dtype(dtype)
        self._vocab = vocab
        cell = make_cell(config.cell, config.activation, config.reset)
        self.stack = Stack(
            cell, vocab.size, config.embedding_size, config.hidden_size, config.num_layers, config.dropout
        )
        self.head = NextCharacter(config.hidden_size, vocab.size)
        self.params = Params(self.stack.shapes() | self.head.shapes(), dtype, values, grads)
        self._tape: Tape | None = None  # memory of feed(), for the latest shape; holds no state
        self._fixed = False  # whether parameters will not change any more
        self._decoder: Decoder | None = None  # of the latest state that read a single character, where they will not

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to another process as config, vocabulary and parameters; gradients and memory stay behind."""
        return Network, (self.config, self.vocab, self.dtype, self.params.values)

    @property
    def vocab(self) -> Vocab:
        """The characters that it knows, and their ids."""
        return self._vocab

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return self.params.size

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters, biases too, by config.init; the LSTM's forget bias is then set.

        Biases of zero would start all units of a layer alike: after one epoch on a small corpus that costs 0.04 nats.
        """
        scheme, hidden = self.config.init.scheme, self.config.hidden_size
        scale = self.config.init.scale or (0.08 if scheme in ("uniform", "normal") else 1.0)
        width = scale if scheme == "uniform" else scale / sqrt(hidden)
        for name, value in self.params.value.items():
            if scheme == "orthogonal" and name.startswith("weight_hh"):
                for plane in value:
                    q, r = np.linalg.qr(rng.standard_normal(plane.shape))
                    plane[...] = scale * q * np.sign(np.diagonal(r))
            elif scheme == "normal":
                value[...] = scale * rng.standard_normal(value.shape)
            else:
                value[...] = rng.uniform(-width, width, value.shape)
        if self.config.cell == "lstm":
            for layer in self.stack.layers:
                layer.bind(self.params.value).b[layer.cell.gates.index("f")] = self.config.forget_bias

    # -- training -------------------------------------------------------------------------------------------------

    def tape(self, length: int, streams: int, training: bool = True) -> Tape:
        """Memory for windows of up to `length` steps of `streams` streams."""
        stack = self.stack.tape(length, streams, self.dtype, training)
        return Tape(stack, zeros((length * streams, self.vocab.size), self.dtype))

    def tape_bytes(self, length: int, streams: int, training: bool = True) -> int:
        """How many bytes tape() will take."""
        scalars = self.stack.tape_scalars(length, streams, training) + length * streams * self.vocab.size
        return scalars * self.dtype.itemsize

    def forward(self, batch: Batch, state: Array, tape: Tape, rng: np.random.Generator | None = None) -> Any:
        """The mean loss of a window in nats per character; moves `state` on. Values are dropped only with `rng`.

        The mean is over batch.count: of a shard, it is that shard's part of the mean. Sums in float64. Zeroing
        the state of a fresh batch is the caller's part.
        """
        length, streams = batch.x.shape
        top = self.stack.forward(self.params.value, batch.x, state, tape.stack, rng)
        tape.h, tape.dropped = top.reshape(length * streams, -1), rng is not None
        logits = self.head.logits(self.params.value, tape.h, out=tape.logits[: length * streams])
        nats = self.head.loss_(logits, batch.y.reshape(-1))
        if batch.weight is not None:
            nats *= batch.weight.reshape(-1)
        return nats.sum(dtype=np.result_type(self.dtype, np.float64)) / batch.count

    def backward(self, batch: Batch, tape: Tape) -> None:
        """The gradient of the mean loss that forward() returned, into params.grads, which is overwritten."""
        length, streams = batch.x.shape
        value, grad = self.params.value, self.params.grad
        assert tape.h is not None, "forward() comes first"
        weight: Array | float = 1 / batch.count
        if batch.weight is not None:
            weight = batch.weight.reshape(-1).astype(self.dtype) / batch.count
        dh = self.stack.dh_view(tape.stack, length, self.config.hidden_size)
        probs = tape.logits[: length * streams]
        targets = batch.y.reshape(-1)
        self.head.backward(value, grad, tape.h, probs, targets, weight, dh.reshape(length * streams, -1))
        self.stack.backward(value, grad, batch.x, dh, tape.stack, tape.dropped)

    # -- LanguageModel --------------------------------------------------------------------------------------------

    def start(self, streams: int = 1) -> Array:
        """The state of N streams before any character: zeros (L, S, N, H)."""
        return self.stack.state(streams, self.dtype)

    def decoder(self) -> "Network":
        """A copy, never to be trained, that reads single characters up to five times as fast, one state at a time."""
        copy = Network(self.config, self.vocab, self.dtype, self.params.values.copy(), self.params.grads)
        copy._fixed = True
        return copy

    def predict(self, state: Array) -> Array:
        """Logits (N, V) of the next character in each stream."""
        return self.head.logits(self.params.value, state[-1, 0])

    def feed(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; logits (T, N, V) of the character after each, until the next feed()."""
        length, streams = ids.shape
        if self._fixed and length == 1:
            if self._decoder is None or self._decoder.state is not state:
                self._decoder = Decoder(self.stack, self.head, self.params.value, state)
            return self._decoder.step(ids[0])[None]
        tape = self._tape
        if tape is None or tape.stack.streams != streams or tape.stack.length < length:
            tape = self._tape = self.tape(length, streams, training=False)
        h = self.stack.forward(self.params.value, ids, state, tape.stack, None)
        out = tape.logits[: length * streams]
        self.head.logits(self.params.value, h.reshape(length * streams, -1), out=out)
        return out.reshape(length, streams, -1)


# -- files --------------------------------------------------------------------------------------------------------


BEST, LAST, PREVIOUS = "best.npz", "last.npz", "previous.npz"  # of a run directory


@dataclass
class Loaded:
    """A checkpoint, verified and understood: the model, its config, and everything else that the file holds."""

    model: Network | NGram
    config: Config
    header: dict[str, Any]
    arrays: dict[str, Array]
    path: Path
    note: str = ""  # where it stands in for another one: what is wrong with that

    @property
    def step(self) -> int:
        """The steps that it was trained for; 0 where it does not say."""
        training = self.header.get("training")
        step = training.get("step") if isinstance(training, dict) else 0
        return step if isinstance(step, int) else 0

    @property
    def name(self) -> str:
        """What a table calls it: its run directory where it is that run's best, else the file."""
        folder = self.path.parent
        return str(folder if self.path.name == "best.npz" and folder.name else self.path)

    @property
    def network(self) -> Network:
        """The model where it is a network. Raises CheckpointError where it has no weights."""
        if isinstance(self.model, NGram):
            raise CheckpointError(f"{self.path}: this is an n-gram; it has no weights to train, adapt or begin from")
        return self.model


def describe(config: Config, vocab: Vocab) -> dict[str, Any]:
    """The part of a checkpoint's header from which load() builds the network again.

    Without what says nothing about the result: the directory, the number of workers, and how often the clock saves.
    """
    words = {"symbols": vocab.symbols, "has_unknown": vocab.has_unknown, "tokens": vocab.tokens}
    idle = replace(config.train, workers="auto", save_minutes=TrainConfig.save_minutes)
    config = replace(config, out=None, train=idle)
    return {"config": config.to_dict(), "vocab": words}


def describe_model(config: ModelConfig) -> str:
    """What a table calls a model."""
    if config.cell == "ngram":
        return f"{config.order}-gram, {config.smoothing}"
    return f"{config.cell} {config.num_layers} x {config.hidden_size}"


def is_checkpoint(path: str | Path) -> bool:
    """Whether a path names a model rather than a text: a run directory, or a file that begins as checkpoints do."""
    path = Path(path)
    if path.is_dir():
        return any((path / name).exists() for name in (BEST, LAST, PREVIOUS))
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except (OSError, ValueError):
        return False
    return start.startswith(b"PK\3\4") and b"header.npy" in start


def load_checkpoint(path: str | Path, dtype: npt.DTypeLike = np.float32) -> Loaded:
    """Read a checkpoint and build its model; of a run directory the best, or what stands in for it.

    Raises CheckpointError where the file is no whole checkpoint, or its arrays are not those that its config calls for.
    """
    path = Path(path)
    return load_run(path, [BEST], [LAST, PREVIOUS], dtype=dtype) if path.is_dir() else _load(path, dtype)


def load_latest(folder: Path) -> Loaded:
    """The complete state of a run directory after the most steps. Raises CheckpointError where none is whole."""
    return load_run(folder, [LAST, PREVIOUS])


def load_run(folder: Path, *choices: list[str], dtype: npt.DTypeLike = np.float32) -> Loaded:
    """The first choice of a run directory that is whole: of several files, the one of the most steps, as they say.

    Raises CheckpointError where no file is, and at once for one of a newer format, to which nothing is wrong.
    """
    faults: list[CheckpointError] = []
    for names in choices:
        whole: list[Loaded] = []
        for path in (folder / name for name in names if (folder / name).exists()):
            try:
                whole.append(_load(path, dtype))
            except NewerFormatError:
                raise
            except CheckpointError as error:
                faults.append(error)
        if whole:
            found = max(whole, key=lambda loaded: loaded.step)
            if faults:
                found.note = "; ".join([*map(str, faults), f"{found.path} (step {found.step:,}) is read instead"])
            return found
    if faults:
        raise faults[0]
    raise CheckpointError(f"{folder}: this directory holds no checkpoint yet (no {BEST} and no {LAST})")


def _load(path: Path, dtype: npt.DTypeLike) -> Loaded:
    header, arrays = checkpoint.load(path)
    try:
        words = header["vocab"]
        vocab = Vocab(words["symbols"], words["has_unknown"], words["tokens"])
        config = config_from_dict(header["config"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: damaged ({'; '.join(str(error).splitlines())})") from None
    except (KeyError, TypeError):
        raise CheckpointError(f"{path}: damaged (its vocabulary or its config is missing)") from None
    check_vocab(path, vocab)
    if config.model.cell == "ngram":
        ngram = load_ngram(path, config.model, vocab, arrays)
        return Loaded(ngram, config, header, arrays, path)
    check_arrays(path, config.model, vocab, arrays)
    network = Network(config.model, vocab, dtype)
    for name, value in network.params.value.items():
        value[...] = arrays[name]
    return Loaded(network, config, header, arrays, path)


def load_ngram(path: Path, config: ModelConfig, vocab: Vocab, arrays: dict[str, Array]) -> NGram:
    """An n-gram, counted again from the text that its checkpoint holds. Raises CheckpointError where that is none."""
    text = arrays.get("text")
    if text is None or text.ndim != 1 or text.dtype.kind != "u" or len(text) < config.order or text.max() >= vocab.size:
        raise CheckpointError(f"{path}: damaged (the array text is missing, or is no text of its vocabulary)")
    return NGram(vocab, text, config.order, config.smoothing)


def check_vocab(path: Path, vocab: Vocab) -> None:
    """Raises CheckpointError where a vocabulary is none."""
    symbols = vocab.symbols
    sound = isinstance(symbols, str) and symbols and len(set(symbols)) == len(symbols)
    sound = sound and not any("\ud800" <= symbol <= "\udfff" for symbol in symbols) and type(vocab.has_unknown) is bool
    if not (sound and (vocab.tokens == "char" or vocab == Vocab.of_bytes())):
        raise CheckpointError(f"{path}: damaged (its vocabulary)")


def check_arrays(path: Path, config: ModelConfig, vocab: Vocab, arrays: dict[str, Array]) -> None:
    """Compare names and shapes with those that the config calls for, before memory is taken for a network.

    Raises CheckpointError naming the array that differs.
    """
    cell = make_cell(config.cell, config.activation, config.reset)
    sizes = (vocab.size, config.embedding_size, config.hidden_size, config.num_layers, config.dropout)
    wanted = Stack(cell, *sizes).shapes() | NextCharacter(config.hidden_size, vocab.size).shapes()
    for name, shape in wanted.items():
        found = arrays.get(name)
        if found is None:
            raise CheckpointError(f"{path}: damaged (the array {name} is missing)")
        if found.shape != shape:
            raise CheckpointError(f"{path}: damaged (the array {name} is {found.shape}, its config calls for {shape})")


def load(path: str | Path) -> Network | NGram:
    """The model of a checkpoint, ready to sample and to score."""
    return load_checkpoint(path).model


def check_transferable(old: Network, model: ModelConfig, tokens: str) -> None:
    """Refuse to fine-tune a network of another architecture, or of other tokens. Raises CheckpointError."""
    for name in ("cell", "hidden_size", "num_layers", "embedding_size", "activation", "reset"):
        theirs, ours = getattr(old.config, name), getattr(model, name)
        if ours != theirs:
            raise CheckpointError(
                f"--init-from: the checkpoint has model.{name} {theirs}, the config {ours}; set it to {theirs}"
            )
    if old.vocab.tokens != tokens:
        raise CheckpointError(
            f"--init-from: the checkpoint has data.tokens {old.vocab.tokens}, the config {tokens}; set it to "
            f"{old.vocab.tokens}"
        )


def transfer(old: Network, new: Network) -> tuple[str, str]:
    """Copy trained parameters into a freshly initialised network with another vocabulary (fine-tuning).

    Rows and columns of characters that both know are copied by character, new ones stay fresh. Returns the characters
    added and those dropped. Raises CheckpointError where the architectures differ.
    """
    check_transferable(old, new.config, new.vocab.tokens)
    table = Vocab(old.vocab.symbols).table(new.vocab.symbols)
    if new.vocab.has_unknown:
        table = np.append(table, len(old.vocab.symbols) if old.vocab.has_unknown else -1)
    known = np.flatnonzero(table >= 0)
    by_character = {"embedding": 0, "output_weight": 1, "output_bias": 0}
    if new.config.embedding_size is None:
        by_character["weight_ih_l0"] = 1
    for name, value in new.params.value.items():
        source = old.params.value[name]
        if name in by_character:
            axis = by_character[name]
            np.moveaxis(value, axis, 0)[known] = np.moveaxis(source, axis, 0)[table[known]]
        else:
            value[...] = source
    old_symbols, new_symbols = set(old.vocab.symbols), set(new.vocab.symbols)
    return "".join(sorted(new_symbols - old_symbols)), "".join(sorted(old_symbols - new_symbols))
