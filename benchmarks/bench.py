"""charrnn beside its peers on this machine: training, one thread, classifiers, sampling, evaluation, start, scaling.

    python benchmarks/bench.py                              everything; about half an hour
    python benchmarks/bench.py training --cells lstm        one table, one cell
    python benchmarks/bench.py sampling start               two tables
    python benchmarks/bench.py examples --repeats 3         classifiers, in a minute or two
    python benchmarks/bench.py pairs --repeats 3            translators, likewise
    python benchmarks/bench.py training --peers ""          charrnn alone

Each candidate runs in a process of its own, held to as many processors as it has threads; repetitions alternate between
them, so that a drifting machine drifts for all; the median counts. Before timing, all candidates take three steps from
the same weights on the same text, and their losses must agree. What is not installed (PyTorch, JAX) is left out. The
tables go to stdout, JSON to benchmarks/results/bench.json, and training also draws docs/pictures/speed.svg.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from select import select
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypedDict

from candidates import CANDIDATES, VOCAB, Size, make_config, make_run
from examples import EXAMPLE_SIZES, CharrnnExamples, TorchEmbeddedExamples, TorchExamples, make_example_run
from pairs import PAIR_SIZES, CharrnnPairs, TorchEmbeddedPairs, TorchPairs, make_pair_run
from picture import draw

if TYPE_CHECKING:
    from charrnn.models import Network

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "bench.json"
PICTURE = ROOT / "docs" / "pictures" / "speed.svg"
SIZES = {
    "2x128": Size(2, 128, 50, 50),
    "1x128": Size(1, 128, 100, 100),
    "1x256": Size(1, 256, 64, 100),
    "2x512": Size(2, 512, 64, 100),
}
CELLS = ("lstm", "gru", "rnn")
SEQUENCE_CELLS = ("lstm", "gru")
EXAMPLE_CANDIDATES = {
    "charrnn": CharrnnExamples,
    "torch one-hot": TorchExamples,
    "torch embedding": TorchEmbeddedExamples,
}
PAIR_CANDIDATES = {
    "charrnn": CharrnnPairs,
    "torch one-hot": TorchPairs,
    "torch embedding": TorchEmbeddedPairs,
}
PEERS = {"torch": ["torch one-hot", "torch embedding"], "jax": ["jax"]}
TURN = 0.5  # seconds of a candidate's turn: a machine that others use too is faster and slower by the minute
SCORED = 200_000  # characters of an evaluation
BFLOAT16 = "torch bfloat16"
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # instructions without which bfloat16 is emulated, and slow
CHECKED = 2  # steps whose losses must agree (a third may overshoot, and PyTorch then differs from itself),
TOLERANCE = 5e-3  # to so many nats: the first steps of Adam turn the rounding of tiny gradients into whole steps
BFLOAT16_TOLERANCE = 5e-2  # the same where products have eight bits


class Speed(TypedDict):
    """What was measured of a candidate; `spread` is the range of the turns as a share of their median."""

    chars_per_second: float
    spread: float
    megabytes: float | None


# -- processes ----------------------------------------------------------------------------------------------------


def serve(name: str, cell: str, size: str, threads: int) -> None:
    """A candidate's process: three losses, then for each order that comes in, the seconds that it took.

    Of each turn a first training step is not timed: it finds in the caches what the others left there.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    candidate: Any
    if size in EXAMPLE_SIZES:
        candidate = EXAMPLE_CANDIDATES[name](cell, EXAMPLE_SIZES[size], threads)
    elif size in PAIR_SIZES:
        candidate = PAIR_CANDIDATES[name](cell, PAIR_SIZES[size], threads)
    else:
        candidate = CANDIDATES[name](cell, SIZES[size], threads)
    print(json.dumps([candidate.step() for _ in range(CHECKED)]), flush=True)
    for line in sys.stdin:
        order, count = line.split()
        if order == "train":
            candidate.step()
        began = perf_counter()
        if order == "train":
            for _ in range(int(count)):
                candidate.step()
        else:
            candidate.sample(int(count))
        print(perf_counter() - began, flush=True)


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def resident(pid: int) -> float | None:
    """Megabytes that a process and its children hold, shared pages counted once; None where the system does not say."""
    try:
        lines = [line for one in family(pid) for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()]
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024 or None


class Process:
    """A candidate in a process of its own."""

    def __init__(self, name: str, cell: str, size: str, threads: int) -> None:
        self.name = name
        command = [sys.executable, __file__, "--serve", name, cell, size, str(threads)]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "JAX_PLATFORMS": "cpu"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.orders, self.answers = self.process.stdin, self.process.stdout
        self.losses: list[float] = json.loads(self.answers.readline())

    def ask(self, order: str, count: int) -> None:
        """Send an order, without waiting for the answer."""
        self.orders.write(f"{order} {count}\n")
        self.orders.flush()

    def seconds(self, order: str, count: int) -> float:
        """The time that an order takes."""
        self.ask(order, count)
        return float(self.answers.readline())

    def megabytes(self, order: str, count: int) -> float | None:
        """The most that it holds meanwhile; apart from the timing, which looking on would disturb."""
        self.ask(order, count)
        most = resident(self.process.pid)
        while not select([self.answers], [], [], 0.02)[0]:
            most = max(most or 0, resident(self.process.pid) or 0) or None
        self.answers.readline()
        return most

    def close(self) -> None:
        """Let the process end, and wait for that."""
        self.orders.close()
        self.process.wait()
        self.answers.close()


def in_turn(
    options: argparse.Namespace, names: Sequence[str], cell: str, size: str, threads: int, order: str
) -> dict[str, Speed]:
    """Medians of characters per second of each candidate, repetitions in turn; and their memory."""
    per_count = (SIZES | EXAMPLE_SIZES | PAIR_SIZES)[size].chars if order == "train" else 1
    processes = [Process(name, cell, size, threads) for name in names]
    for other in processes[1:]:
        # The embedding's table is trained too, so there only the first loss is the same.
        checked = 1 if other.name in ("torch embedding", BFLOAT16) else CHECKED
        pairs = list(zip(processes[0].losses, other.losses, strict=True))[:checked]
        if max(abs(a - b) for a, b in pairs) > (BFLOAT16_TOLERANCE if other.name == BFLOAT16 else TOLERANCE):
            sys.exit(f"{cell} {size}: {other.name} does another job: losses {processes[0].losses}, {other.losses}")
    few = 1 if order == "train" else 20
    counts = {
        process.name: max(few, round(options.seconds * few / process.seconds(order, few))) for process in processes
    }
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(options.repeats):
        for process in processes:
            count = counts[process.name]
            times[process.name].append(process.seconds(order, count) / count)
    memory = {process.name: process.megabytes(order, counts[process.name]) for process in processes}
    for process in processes:
        process.close()
    return {
        name: {
            "chars_per_second": per_count / statistics.median(taken),
            "spread": (max(taken) - min(taken)) / statistics.median(taken),
            "megabytes": memory[name],
        }
        for name, taken in times.items()
    }


# -- tables -------------------------------------------------------------------------------------------------------


def table(title: str, columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one."""
    cells = [columns, *([number(value) for value in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(columns))]
    print(f"\n{title}")
    for row in cells:
        print(
            "  ".join(
                text.ljust(w) if k < 2 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths, strict=True))
            )
        )
    sys.stdout.flush()


def number(value: object) -> str:
    """A figure as the tables show it."""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return "-" if value is None else str(value)


def best_torch(row: Mapping[str, Speed]) -> Speed | None:
    """PyTorch in float32 with the better input, one-hot or embedding."""
    found = [row[name] for name in row if name.startswith("torch") and name != BFLOAT16]
    return max(found, key=lambda one: one["chars_per_second"], default=None)


def training(options: argparse.Namespace, names: Sequence[str], threads: int) -> list[dict[str, Any]]:
    """Whole steps beside the peers, and beside the ceiling of the matrix products alone."""
    from charrnn.training.bench import ceiling

    results: list[dict[str, Any]] = []
    rows: list[list[object]] = []
    for cell in options.cells:
        for size in options.sizes:
            found = in_turn(options, names, cell, size, threads, "train")
            _, _, streams, length = SIZES[size]
            model = make_config(cell, SIZES[size]).model
            top = ceiling(model, VOCAB, streams, length, threads, 2 * options.seconds)
            ours, torch, jax, bfloat16 = found["charrnn"], best_torch(found), found.get("jax"), found.get(BFLOAT16)
            results.append({"cell": cell, "size": size, "threads": threads, "ceiling": top, **found})
            speed = ours["chars_per_second"]
            row: list[object] = [cell, size, speed]
            for peer in (torch, bfloat16, jax):
                row += [peer["chars_per_second"], speed / peer["chars_per_second"]] if peer else [None, None]
            ours_held, torch_held = ours["megabytes"], torch and torch["megabytes"]
            share = ours_held / torch_held if ours_held and torch_held else None
            rows.append([*row, speed / top, ours_held, share])
            print(f"{cell} {size}: {speed:,.0f} char/s", file=sys.stderr)
    peers = ["PyTorch", "ratio", "bfloat16", "ratio", "JAX", "ratio"]
    columns = ["cell", "size", "charrnn", *peers, "of ceiling", "MB", "of PyTorch's"]
    table(f"training, char/s, {threads} thread{'s' * (threads > 1)}", columns, rows)
    return results


def examples(options: argparse.Namespace, names: Sequence[str], threads: int) -> list[dict[str, Any]]:
    """Whole steps of classifiers in both directions beside PyTorch."""
    padding = {name: make_example_run("gru", size).material.batches.padding() for name, size in EXAMPLE_SIZES.items()}
    return sequences(options, names, threads, "classifiers in both directions", padding)


def pairs(options: argparse.Namespace, names: Sequence[str], threads: int) -> list[dict[str, Any]]:
    """Whole steps of translators with general attention beside PyTorch; characters are symbols of both sides."""
    padding = {name: make_pair_run("gru", size).material.batches.padding() for name, size in PAIR_SIZES.items()}
    return sequences(options, names, threads, "translators with attention", padding)


def sequences(
    options: argparse.Namespace,
    names: Sequence[str],
    threads: int,
    title: str,
    padding: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Whole steps on sequences of many lengths beside PyTorch; ours with one process too.

    Speed is that of characters without padding. Padding is the share of what is read that lies beyond the end of a
    sequence; it is given for each size.
    """
    names = [name for name in names if name in EXAMPLE_CANDIDATES]
    results: list[dict[str, Any]] = []
    rows: list[list[object]] = []
    cells = [cell for cell in SEQUENCE_CELLS if cell in options.cells]
    for cell, (size, share) in product(cells, padding.items()):
        found = in_turn(options, names, cell, size, threads, "train")
        (alone,) = in_turn(options, names[:1], cell, size, 1, "train").values()
        results.append({"cell": cell, "size": size, "threads": threads, "padding": share, **found, "one": alone})
        speed, torch = found["charrnn"]["chars_per_second"], best_torch(found)
        peer: list[object] = [None, None]
        if torch:
            peer = [torch["chars_per_second"], speed / torch["chars_per_second"]]
        rows.append([cell, size, speed, *peer, alone["chars_per_second"], f"{share:.1%}"])
        print(f"{cell} {size}: {speed:,.0f} char/s", file=sys.stderr)
    columns = ["cell", "size", "charrnn", "PyTorch", "ratio", "one process", "padding"]
    table(f"{title}, char/s, {threads} thread{'s' * (threads > 1)}", columns, rows)
    return results


def sampling(options: argparse.Namespace, names: Sequence[str]) -> list[dict[str, Any]]:
    """One stream, character by character, beside the peers and the bare products; and 32 side by side."""
    from charrnn.blas import one_thread
    from charrnn.training.bench import SIDE_BY_SIDE, sampling_speed

    names = [name for name in names if name not in ("torch one-hot", BFLOAT16)]
    results: list[dict[str, Any]] = []
    rows: list[list[object]] = []
    for cell in options.cells:
        for size in ("2x128", "2x512"):
            found = in_turn(options, names, cell, size, 1, "sample")
            network = make_run(cell, SIZES[size]).network
            with one_thread():
                bare, batch = bare_products(network), sampling_speed(network, SIDE_BY_SIDE, 2 * options.seconds)
            torch, jax = found.get("torch embedding"), found.get("jax")
            speed = found["charrnn"]["chars_per_second"]
            results.append({"cell": cell, "size": size, "bare": bare, "side_by_side": batch, **found})
            ratios = [speed / peer["chars_per_second"] if peer else None for peer in (torch, jax)]
            rows.append([cell, size, speed, *ratios, bare / speed, batch, batch / speed])
    columns = ["cell", "size", "charrnn", "x PyTorch", "x JAX", "bare products x", f"{SIDE_BY_SIDE} at once", "ratio"]
    table("sampling, char/s, one thread", columns, rows)
    return results


def bare_products(network: "Network") -> float:
    """Characters per second of one character's matrix-vector products, and nothing else."""
    import numpy as np

    value = network.params.value
    weights = [value["output_weight"]]
    for name, array in value.items():
        if name.startswith("weight_") and name != "weight_ih_l0":
            weights.append(np.concatenate(list(array), axis=1))
    h = np.ones(network.config.hidden_size, np.float32)
    outs = [h @ w for w in weights]
    best = min(
        timed(lambda: [np.matmul(h, w, out=out) for w, out in zip(weights, outs, strict=True)], 200) for _ in range(5)
    )
    return 1 / best


def timed(work: Callable[[], object], times: int) -> float:
    """Seconds that one call takes, from so many."""
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times


def evaluation(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Scoring a text beside training on it, both with one thread; and its memory, which must not grow."""
    import tracemalloc

    import numpy as np

    from charrnn.blas import one_thread
    from charrnn.evaluation.scoring import score

    results: list[dict[str, Any]] = []
    rows: list[list[object]] = []
    for cell in options.cells:
        for size in ("2x128", "1x256", "2x512"):
            run = make_run(cell, SIZES[size])
            trained = 1 / min(timed(run.advance, 3) for _ in range(4)) * SIZES[size].streams * SIZES[size].length
            ids = np.random.default_rng(1).integers(0, VOCAB, SCORED).astype(np.uint8)
            with one_thread():
                scored = SCORED / min(timed(partial(score, run.network, ids), 1) for _ in range(2))
                peaks = []
                for length in (SCORED // 2, SCORED):
                    tracemalloc.start()
                    score(run.network, ids[:length])
                    peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
                    tracemalloc.stop()
            results.append({"cell": cell, "size": size, "trained": trained, "scored": scored, "megabytes": peaks})
            rows.append([cell, size, scored, scored / trained, *peaks])
    columns = ["cell", "size", "char/s", "x training", "MB, half the text", "MB, all"]
    table(f"evaluation of {SCORED:,} characters, one thread", columns, rows)
    return results


def start(options: argparse.Namespace) -> dict[str, float]:
    """From the keystroke to the first character of `charrnn sample`, and the help text."""
    from charrnn.config.data_keys import DataConfig
    from charrnn.config.keys import Config
    from charrnn.config.model_keys import ModelConfig
    from charrnn.config.train_keys import TrainConfig
    from charrnn.data.vocab import Vocab
    from charrnn.models import Header, Network
    from charrnn.storage.checkpoint import save

    with tempfile.TemporaryDirectory() as folder:
        model = ModelConfig(cell="lstm", hidden_size=128, num_layers=2, dropout=0.0)
        train = TrainConfig(seq_length=50, batch_size=50, learning_rate=2e-3, weight_decay=0.0)
        config = Config(DataConfig("-"), model, train)
        vocab = Vocab("".join(map(chr, range(33, 98))))
        save(Path(folder) / "m.npz", Header(config, vocab).to_dict(), Network(config.model, vocab).params.value)
        commands = {
            "sample, first character": ["sample", f"{folder}/m.npz", "--length", "0"],
            "--help": ["--help"],
        }
        results = {}
        for name, words in commands.items():
            taken = []
            for _ in range(options.repeats):
                began = perf_counter()
                process = subprocess.Popen([sys.executable, "-m", "charrnn", *words], stdout=subprocess.PIPE)
                assert process.stdout
                process.stdout.read(1)
                taken.append(perf_counter() - began)
                process.kill()
                process.communicate()
            results[name] = statistics.median(taken)
    table("start", ["command", "", "seconds"], [[name, "", seconds] for name, seconds in results.items()])
    return results


def scaling(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Our own speed against one thing at a time, around LSTM 2 x 128 with batch 50 and window 50."""
    base, others = SIZES["2x128"], {"workers": 1, "vocab": VOCAB, "chars": 1_000_000, "document": 0}
    axes: dict[str, tuple[int, ...]] = {
        "workers": (1, 2, 4),
        "streams": (1, 10, 50, 200, 800),
        "length": (10, 50, 200, 800),
        "hidden": (32, 128, 512, 1024),
        "layers": (1, 2, 4),
        "vocab": (65, 256, 1000, 5000),
        "chars": (100_000, 1_000_000, 10_000_000, 100_000_000),
        "document": (0, 7, 100, 1000),
    }
    results: list[dict[str, Any]] = []
    rows: list[list[object]] = []
    for axis, values in axes.items():
        for value in [v for v in values if axis != "workers" or v <= (os.cpu_count() or 1)]:
            size, rest = (base, others | {axis: value}) if axis in others else (base._replace(**{axis: value}), others)
            run = make_run("lstm", size, **rest)
            chars = run.config.train.batch_size * run.config.train.seq_length
            run.advance()
            times = [timed(run.advance, 1)]
            while sum(times) < 2 * options.seconds or len(times) < 3:
                times.append(timed(run.advance, 1))
            run.close()
            results.append({axis: value, "chars_per_second": chars / statistics.median(times)})
            rows.append([axis, f"{value:,}", chars / statistics.median(times)])
    table("scaling, LSTM 2 x 128, batch 50, window 50, one worker unless said", ["what", "value", "char/s"], rows)
    return results


# -- the whole ----------------------------------------------------------------------------------------------------


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Whether the processor has instructions for products in bfloat16; only Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    return any(BFLOAT16_FLAGS & set(line.split()) for line in lines if line.startswith("flags"))


def installed(wanted: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The candidates that are wanted and installed, and the versions of the peers among them."""
    names, versions = ["charrnn"], {}
    for package in wanted:
        if find_spec(package):
            names += PEERS[package]
            versions[package] = version(package)
            if package == "torch" and has_bfloat16():
                names.append(BFLOAT16)
        else:
            print(f"{package} is not installed, so it is left out", file=sys.stderr)
    return names, versions


def several(known: Sequence[str]) -> Callable[[str], list[str]]:
    """The type of an option whose value is some of the known words, with commas between them."""

    def words(text: str) -> list[str]:
        found = [word for word in text.split(",") if word]
        if unknown := [word for word in found if word not in known]:
            raise argparse.ArgumentTypeError(f"no such word: {', '.join(unknown)}; choose from {','.join(known)}")
        return found

    return words


def main() -> None:
    """Measure what the command line asks for."""
    from charrnn import __version__
    from charrnn.blas import describe, forced_kernel
    from charrnn.processes import cores

    parts: dict[str, Callable[[], object]] = {
        "training": lambda: training(options, names, cores()),
        "one-thread": lambda: training(options, names, 1),
        "examples": lambda: examples(options, names, cores()),
        "pairs": lambda: pairs(options, names, cores()),
        "sampling": lambda: sampling(options, names),
        "evaluation": lambda: evaluation(options),
        "start": lambda: start(options),
        "scaling": lambda: scaling(options),
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--cells", type=several(CELLS), default=CELLS, help=f"of {','.join(CELLS)}; default: all")
    parser.add_argument("--sizes", type=several([*SIZES]), default=[*SIZES], help=f"of {','.join(SIZES)}; default: all")
    parser.add_argument("--peers", type=several([*PEERS]), default=[*PEERS], help=f"of {','.join(PEERS)}; default: all")
    parser.add_argument("--repeats", type=int, default=9, help="turns of each candidate; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=TURN, help="of a turn, about; default: %(default)s")
    options: argparse.Namespace = parser.parse_args()
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no such part: {', '.join(unknown)}")
    names, versions = installed(options.peers)
    about: dict[str, Any] = {
        "charrnn": __version__,
        **describe(),
        **versions,
        "cores": cores(),
        "processor": processor(),
    }
    if forced_kernel():
        print(f"note: {forced_kernel()}", file=sys.stderr)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    RESULTS.parent.mkdir(exist_ok=True)
    results: dict[str, Any] = {"about": about}
    for part in options.parts or parts:
        results[part] = parts[part]()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if "training" in results:
        PICTURE.write_text(draw(results["training"], about))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        candidate, cell, size, threads = sys.argv[2:6]
        serve(candidate, cell, size, int(threads))
    else:
        main()
