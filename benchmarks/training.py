"""Training speed of charrnn beside PyTorch: char/s of whole steps (forward, backward, clipping by norm, Adam), float32.

    python benchmarks/training.py                          LSTM at the two reference sizes
    python benchmarks/training.py --cells lstm,gru,rnn     all cells
    python benchmarks/training.py --threads 1              one thread each

Each candidate runs in a process of its own; repetitions alternate between them, so that a drifting machine drifts for
both; the median counts. Before timing, all candidates take three steps from the same weights on the same text, and
their losses must agree. Without PyTorch only charrnn is measured. The table goes to stdout, JSON to results/.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

SIZES = {"2x128": (2, 128, 50, 50), "1x128": (1, 128, 100, 100), "1x256": (1, 256, 64, 100), "2x512": (2, 512, 64, 100)}
CANDIDATES = ("charrnn", "torch one-hot", "torch embedding")
VOCAB = 65
STEPS_PER_EPOCH = 40
CHECKED = 3  # steps whose losses must agree
TOLERANCE = (
    5e-3  # of those losses, in nats: the first steps of Adam turn the rounding of tiny gradients into whole steps
)


def make_run(cell, size, threads):
    """A charrnn run on random text, with weights that depend on nothing but the shape."""
    import numpy as np

    from charrnn import config_from_dict
    from charrnn.corpus import Corpus
    from charrnn.text import Split, Vocab
    from charrnn.train import Run

    layers, hidden, streams, length = SIZES[size]
    config = config_from_dict(
        {
            "data": {"path": "-"},
            "model": {"cell": cell, "num_layers": layers, "hidden_size": hidden, "init": {"scheme": "uniform"}},
            "train": {"batch_size": streams, "seq_length": length, "epochs": 1000, "eval_every": 1 << 40,
                      "sample_length": 0, "patience": None, "shards": threads},
        }
    )  # fmt: skip
    ids = np.random.default_rng(0).integers(0, VOCAB, streams * length * STEPS_PER_EPOCH + 1).astype(np.uint8)
    vocab = Vocab("".join(map(chr, range(40, 40 + VOCAB))))
    none = Split("valid", ids[:0])
    corpus = Corpus(vocab, Split("train", ids), none, none, len(ids), 0, {})
    return Run(config, corpus, workers=threads)


class Charrnn:
    """The product, as `charrnn train` runs it."""

    def __init__(self, cell, size, threads):
        self.run = make_run(cell, size, threads)

    def step(self):
        return self.run.advance().loss


class Torch:
    """torch.nn.LSTM, GRU or RNN with a linear layer, cross-entropy, clip_grad_norm_ and Adam, from the same weights."""

    def __init__(self, cell, size, threads, embedding):
        import numpy as np
        import torch

        torch.set_num_threads(threads)
        self.torch, self.embedding = torch, embedding
        run = make_run(cell, size, 1)
        layers, hidden, _, _ = SIZES[size]
        value, self.batches, self.at = run.network.params.value, run.batches, 0
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
        self.rnn = kind(VOCAB, hidden, layers)
        self.out = torch.nn.Linear(hidden, VOCAB)
        order = [0, 1, 3, 2] if cell == "lstm" else slice(None)  # PyTorch's order of the gates

        def rows(planes):
            return torch.from_numpy(np.ascontiguousarray(planes[order].swapaxes(1, 2)).reshape(-1, planes.shape[1]))

        with torch.no_grad():
            for k in range(layers):
                getattr(self.rnn, f"weight_ih_l{k}").copy_(rows(value[f"weight_ih_l{k}"]))
                getattr(self.rnn, f"weight_hh_l{k}").copy_(rows(value[f"weight_hh_l{k}"]))
                getattr(self.rnn, f"bias_ih_l{k}").copy_(torch.from_numpy(value[f"bias_l{k}"][order].reshape(-1)))
                hidden_bias = getattr(self.rnn, f"bias_hh_l{k}")
                hidden_bias.zero_()
                if cell == "gru":
                    hidden_bias[2 * hidden :].copy_(torch.from_numpy(value[f"bias_hn_l{k}"]))
            self.out.weight.copy_(torch.from_numpy(value["output_weight"].T.copy()))
            self.out.bias.copy_(torch.from_numpy(value["output_bias"]))
        # An embedding that begins as the identity is the one-hot input, at PyTorch's own speed for embeddings.
        self.table = torch.nn.Embedding.from_pretrained(torch.eye(VOCAB), freeze=False) if embedding else None
        modules = [self.rnn, self.out] + ([self.table] if embedding else [])
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, 2e-3)
        self.state = None

    def step(self):
        import numpy as np

        torch = self.torch
        batch = self.batches[self.at % len(self.batches)]
        self.at += 1
        x = torch.from_numpy(batch.x.astype(np.int64))
        y = torch.from_numpy(batch.y.astype(np.int64))
        if batch.fresh:
            self.state = None
        h = self.table(x) if self.embedding else torch.nn.functional.one_hot(x, VOCAB).float()
        h, state = self.rnn(h, self.state)
        self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(self.out(h).reshape(-1, VOCAB), y.reshape(-1))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        return loss.item()


def serve(name, cell, size, threads):
    """A candidate's process: three losses, then for each number of steps that comes in, the seconds that they took."""
    candidate = (
        Charrnn(cell, size, threads) if name == "charrnn" else Torch(cell, size, threads, name == "torch embedding")
    )
    print(json.dumps([candidate.step() for _ in range(CHECKED)]), flush=True)
    for line in sys.stdin:
        began = perf_counter()
        for _ in range(int(line)):
            candidate.step()
        print(perf_counter() - began, flush=True)


class Process:
    """A candidate in a process of its own."""

    def __init__(self, name, cell, size, threads):
        self.name = name
        command = [sys.executable, __file__, "--serve", name, cell, size, str(threads)]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.losses = json.loads(self.process.stdout.readline())

    def seconds(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(cell, size, threads, names, repeats):
    """Median char/s of each candidate, repetitions in turn."""
    _, _, streams, length = SIZES[size]
    processes = [Process(name, cell, size, threads) for name in names]
    for other in processes[1:]:
        worst = max(abs(a - b) for a, b in zip(processes[0].losses, other.losses, strict=True))
        embedding_learns = (
            other.name == "torch embedding"
        )  # its table is trained too, so only the first loss is the same
        if (abs(processes[0].losses[0] - other.losses[0]) if embedding_learns else worst) > TOLERANCE:
            sys.exit(f"{cell} {size}: {other.name} does another job: losses {processes[0].losses}, {other.losses}")
    once = [process.seconds(1) for process in processes]
    steps = max(1, round(1.0 / max(once)))
    times = {process.name: [] for process in processes}
    for _ in range(repeats):
        for process in processes:
            times[process.name].append(process.seconds(steps) / steps)
    for process in processes:
        process.close()
    return {
        name: {
            "chars_per_second": streams * length / statistics.median(taken),
            "spread": (max(taken) - min(taken)) / statistics.median(taken),
        }
        for name, taken in times.items()
    }


def processor():
    """The processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main():
    from charrnn.parallel import cores

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="lstm")
    parser.add_argument("--sizes", default="2x128,2x512", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        name, cell, size, threads = arguments.serve
        serve(name, cell, size, int(threads))
        return
    from charrnn import __version__
    from charrnn.machine import describe, forced_kernel

    names = ["charrnn"]
    about = {"charrnn": __version__, **describe(), "threads": arguments.threads, "processor": processor()}
    try:
        import torch

        names += CANDIDATES[1:]
        about["torch"] = torch.__version__
    except ImportError:
        print("PyTorch is not installed, so charrnn is measured alone: pip install torch", file=sys.stderr)
    if forced_kernel():
        print(f"note: {forced_kernel()}", file=sys.stderr)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    print(
        f"{'cell':<5} {'size':<6} {'charrnn':>10} {'PyTorch':>10} {'ratio':>6}   char/s, median of {arguments.repeats}"
    )
    results = []
    for cell in arguments.cells.split(","):
        for size in arguments.sizes.split(","):
            row = measure(cell, size, arguments.threads, names, arguments.repeats)
            results.append({"cell": cell, "size": size, **row})
            ours = row["charrnn"]["chars_per_second"]
            best = max((row[name]["chars_per_second"] for name in names[1:]), default=None)
            beside = f"{best:>10,.0f} {ours / best:>6.2f}" if best else f"{'-':>10} {'-':>6}"
            print(f"{cell:<5} {size:<6} {ours:>10,.0f} {beside}", flush=True)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "training.json").write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
