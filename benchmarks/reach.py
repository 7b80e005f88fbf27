"""How long charrnn and PyTorch take to reach a loss on a text: minutes of training, and a picture of both curves.

    python benchmarks/reach.py tinyshakespeare.txt --losses 1.6,1.5,1.47
    python benchmarks/reach.py tinyshakespeare.txt --candidates charrnn-gru,torch-lstm --threads 1 --epochs 5

The first 90 % of the text are for training, the rest gives the loss after every quarter of an epoch, in nats per
character with the state carried. The recipe is the same for all: two layers, dropout between them, AdamW under a cosine
after a warm-up, clipped by norm. `charrnn-ngram` is a GRU with an n-gram inside. PyTorch reads an embedding that begins
as the identity; `bfloat16` is PyTorch's autocast, for processors that have it.

Minutes are those of training and of what comes before it, such as counting the n-gram, without the evaluations. Every
candidate runs in a process of its own on its own processors, as many candidates at a time as there is room for. JSON
goes to benchmarks/results/reach.json, the picture to --picture.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reach.json"
CANDIDATES = (
    "charrnn-lstm",
    "charrnn-gru",
    "charrnn-ngram",
    "torch-lstm",
    "torch-gru",
    "torch-lstm-bfloat16",
    "torch-gru-bfloat16",
)
STREAMS, LENGTH, LAYERS, ORDER = 50, 100, 2, 7
RATE, DECAY, WARMUP, FLOOR, CLIP = 3e-3, 0.1, 100, 0.02, 5.0
EVALUATIONS = 4  # an epoch
HELD_SHARE = 0.1
READ_BEFORE = 500  # characters that a stream of the held-out text begins with, unscored
COLORS = ("#0969da", "#1a7f37", "#bc4c00", "#8250df", "#bf3989", "#6e7781")


def charrnn(text: Path, model: str, hidden: int, dropout: float, epochs: int, threads: int) -> None:
    """Train with charrnn; print [minutes, loss] after each evaluation."""
    began = perf_counter()
    from charrnn import Run, config_from_dict

    train = {"optimizer": "adamw", "weight_decay": DECAY, "learning_rate": RATE, "warmup_steps": WARMUP,
             "schedule": {"kind": "cosine", "floor": FLOOR}, "clip_norm": CLIP, "batch_size": STREAMS, "epochs": epochs,
             "seq_length": LENGTH, "sample_length": 0, "patience": None, "shards": threads}  # fmt: skip
    cell = "lstm" if model == "lstm" else "gru"
    size = {"cell": cell, "hidden_size": hidden, "num_layers": LAYERS, "dropout": dropout}
    characters = len(text.read_text(encoding="utf-8-sig"))
    steps = int((1 - HELD_SHARE) * characters) // (STREAMS * LENGTH)
    config = config_from_dict(
        {
            "data": {"path": str(text), "fractions": [1 - HELD_SHARE, HELD_SHARE, 0]},
            "model": size | ({"ngram": ORDER} if model == "ngram" else {}),
            "train": train | {"eval_every": max(1, steps // EVALUATIONS)},
        }
    )
    run = Run(config, workers=threads)
    before = perf_counter() - began
    for progress in run:
        if progress.record and progress.record.valid_loss is not None:
            print(json.dumps([(before + progress.seconds) / 60, progress.record.valid_loss]), flush=True)
    run.close()


def pytorch(text: Path, model: str, hidden: int, dropout: float, epochs: int, threads: int) -> None:
    """Train the same with PyTorch; print [minutes, loss] after each evaluation."""
    began = perf_counter()
    import numpy as np
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    cell, _, precision = model.partition("-")
    symbols, ids = np.unique(list(text.read_text(encoding="utf-8-sig")), return_inverse=True)
    cut = int((1 - HELD_SHARE) * len(ids))
    train, held = ids[:cut].astype(np.int64), ids[cut:].astype(np.int64)
    streams = train[: (len(train) - 1) // STREAMS * STREAMS].reshape(STREAMS, -1).T
    windows = (len(streams) - 1) // LENGTH
    table = torch.nn.Embedding.from_pretrained(torch.eye(len(symbols)), freeze=False)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    rnn = kind(len(symbols), hidden, LAYERS, dropout=dropout)
    out = torch.nn.Linear(hidden, len(symbols))
    modules = [table, rnn, out]
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=DECAY)
    steps, done, spent = epochs * windows, 0, perf_counter() - began
    for _ in range(epochs):
        state: Any = None
        for window in range(windows):
            began = perf_counter()
            warm = min(1.0, (done + 1) / WARMUP)
            cosine = (1 + np.cos(np.pi * max(0, done - WARMUP) / max(1, steps - WARMUP))) / 2
            optimizer.param_groups[0]["lr"] = RATE * warm * (FLOOR + (1 - FLOOR) * cosine)
            first = window * LENGTH
            x, y = (torch.from_numpy(streams[first + k : first + k + LENGTH]) for k in (0, 1))
            with torch.autocast("cpu", torch.bfloat16, enabled=bool(precision)):
                hidden_states, state = rnn(table(x), state)
                loss = functional.cross_entropy(out(hidden_states).flatten(0, 1).float(), y.flatten())
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            done += 1
            spent += perf_counter() - began
            if done % max(1, windows // EVALUATIONS) == 0 or done == steps:
                print(json.dumps([spent / 60, held_out(held, modules)]), flush=True)


def held_out(held: "Ids", modules: list[Any]) -> float:
    """The loss of PyTorch's network on the held-out text, read as several streams that begin in what comes before."""
    import numpy as np
    import torch
    from torch.nn import functional

    table, rnn, out = modules
    count = max(1, len(held) // (4 * READ_BEFORE))
    size = (len(held) - 1 - READ_BEFORE) // count
    rows = np.stack([held[k * size : k * size + READ_BEFORE + size + 1] for k in range(count)], axis=1)
    total, state = 0.0, None
    for module in modules:
        module.eval()
    with torch.inference_mode():
        for first in range(0, len(rows) - 1, LENGTH):
            part = torch.from_numpy(rows[first : first + LENGTH + 1])
            hidden_states, state = rnn(table(part[:-1]), state)
            losses = functional.cross_entropy(out(hidden_states).flatten(0, 1), part[1:].flatten(), reduction="none")
            scored = max(0, READ_BEFORE - first)
            total += float(losses.reshape(part[1:].shape)[scored:].sum())
    for module in modules:
        module.train()
    return total / (count * size)


def curve(name: str, options: argparse.Namespace, free: "SimpleQueue[list[int]]") -> list[tuple[float, float]]:
    """Train a candidate on processors that are free, until it has reached the lowest of the losses or ends."""
    own = free.get()
    command = [sys.executable, __file__, str(options.text), "--serve", name, "--hidden-size", str(options.hidden_size)]
    command += ["--dropout", str(options.dropout), "--epochs", str(options.epochs), "--threads", str(options.threads)]
    limits = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=limits)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, own)
    assert process.stdout
    points: list[tuple[float, float]] = []
    for line in process.stdout:
        minutes, loss = json.loads(line)
        points.append((minutes, loss))
        print(f"{name}: {minutes:.1f} minutes, {loss:.4f}", file=sys.stderr, flush=True)
        if loss <= min(options.losses):
            process.kill()
            break
    process.wait()
    free.put(own)
    return points


def reached(points: list[tuple[float, float]], loss: float) -> str:
    """The minutes until a loss was reached, or those in which it was not."""
    first = next((f"{minutes:.1f}" for minutes, own in points if own <= loss), "")
    return first or f"not in {points[-1][0]:.1f}"


def draw(curves: dict[str, list[tuple[float, float]]], losses: list[float]) -> str:
    """The curves as SVG: loss against minutes, with a line at each of the losses."""
    left, top, width, height = 50, 20, 560, 300
    shown = [loss for points in curves.values() for _, loss in points]
    longest = max(points[-1][0] for points in curves.values())
    low, high = min([*shown, *losses]) - 0.02, min(max(shown), max(losses) + 0.6)

    def place(minutes: float, loss: float) -> str:
        x, y = left + width * minutes / longest, top + height * (high - min(loss, high)) / (high - low)
        return f"{x:.1f},{y:.1f}"

    shapes = []
    for loss in losses:
        (x1, y), (x2, _) = (place(minutes, loss).split(",") for minutes in (0, longest))
        shapes.append(f'<line class="line" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>')
        shapes.append(f'<text x="{left - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{loss:g}</text>')
    for k, (name, points) in enumerate(curves.items()):
        color, along = COLORS[k % len(COLORS)], " ".join(place(*point) for point in points)
        shapes.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{along}"/>')
        shapes.append(f'<text x="{left + width - 8}" y="{top + 18 * (k + 1)}" text-anchor="end" ')
        shapes[-1] += f'style="fill: {color}">{name}</text>'
    foot = f"minutes of training, to {longest:.0f}; nats per held-out character"
    shapes.append(f'<text x="{left}" y="{top + height + 22}">{foot}</text>')
    style = "text { font: 12px system-ui, sans-serif; fill: #57606a } .line { stroke: #8c959f; stroke-dasharray: 2 3 }"
    wide, tall = left + width + 20, top + height + 40
    size = f'width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}"'
    body = "\n".join(shapes)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{style}</style>\n{body}\n</svg>\n'


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    return [float(part) for part in text.split(",")]


def main() -> None:
    """Train all candidates, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--losses", type=numbers, default=[1.6, 1.5, 1.47], help="in nats per character")
    parser.add_argument("--candidates", default="charrnn-gru,charrnn-ngram,torch-lstm,torch-gru")
    parser.add_argument("--threads", type=int, default=2, help="processors of each candidate (default: 2)")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--hidden-size", type=int, default=512)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "pictures" / "reach.svg")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        package, _, model = options.serve.partition("-")
        train = charrnn if package == "charrnn" else pytorch
        train(options.text, model, options.hidden_size, options.dropout, options.epochs, options.threads)
        return
    names = options.candidates.split(",")
    if unknown := sorted(set(names) - set(CANDIDATES)):
        parser.error(f"--candidates: no such word: {', '.join(unknown)}; choose from {', '.join(CANDIDATES)}")
    processors = (
        sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    )
    free: SimpleQueue[list[int]] = SimpleQueue()
    places = max(1, len(processors) // options.threads)
    for k in range(places):
        free.put(processors[k * options.threads : (k + 1) * options.threads])
    with ThreadPoolExecutor(places) as pool:
        found = list(pool.map(lambda name: curve(name, options, free), names))
    curves = {name: points for name, points in zip(names, found, strict=True) if points}
    print(f"| minutes to reach | {' | '.join(f'{loss:g}' for loss in options.losses)} | lowest |")
    print("|---|" + "---:|" * (len(options.losses) + 1))
    for name, points in curves.items():
        cells = [reached(points, loss) for loss in options.losses]
        print(f"| {name} | {' | '.join(cells)} | {min(loss for _, loss in points):.4f} |")
    RESULTS.parent.mkdir(exist_ok=True)
    settings = vars(options) | {"text": options.text.name}
    RESULTS.write_text(json.dumps({"options": settings, "curves": curves}, default=str))
    options.picture.write_text(draw(curves, options.losses), encoding="utf-8")


if __name__ == "__main__":
    main()
