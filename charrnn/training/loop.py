"""Training: the visible loop, as an iterator of Progress; and the run directory that it keeps.

One step reads a window, goes forward and back, clips, and updates. All that a run needs to continue bit for bit is
in last.npz; data position, dropout masks and samples are functions of (seed, step), so there is no generator to save.
Time never enters a checkpoint, though it may call for one. Nothing that is not finite outlives its step: the run ends,
or rolls back. It prints nothing and handles no signals: whoever iterates may stop after any step.

"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from math import exp, inf, isfinite, log
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.blas import one_thread
from charrnn.config import Config
from charrnn.data import Batches, Corpus, check_sizes, load_corpus
from charrnn.errors import CheckpointError, DivergedError
from charrnn.evaluation import Report, score
from charrnn.generation import generate
from charrnn.models import Network, SavedModel, describe, load_checkpoint, transfer
from charrnn.optim import Plateau, clip_, global_norm, rate_share
from charrnn.parallel import Team
from charrnn.storage import BEST, LAST, LOG, PREVIOUS, ROLLBACK, SAMPLES, Lock, append, checkpoint, put, sync
from charrnn.training.diagnosis import Case, diagnose
from charrnn.training.resuming import (
    _check_same,
    versions,
    with_shards,
)
from charrnn.training.state import Counters, Progress

ABSURD = 100  # a loss of so many times that of guessing (ln V) will not come back, though it may still be finite


ROLLBACKS = 5  # in a row, after which a run that diverges is given up


POOR = 2  # a loss of so many times that of guessing: a state to resume from, but not one to roll back to


SEEN = 1_000_000  # characters that tell how frequent each is


REMEMBERED = 1000  # evaluations that a checkpoint lists; the log has them all


class Run:
    """A training run; iterate over it to train. With `folder` it keeps a run directory, without it writes nothing.

    Arguments: `config`; `corpus` (None: read it); `folder`; `resumed`, a loaded last.npz to continue from;
    `start_from`, a network whose parameters to begin with; `workers`, processes (more than one only in programs whose
    main module may be imported again: they are spawned).
    Attributes: `network`, `counters`, `corpus`, `case` (see diagnosis.py), the characters `added` and `removed` when
    fine-tuning, and `notes`, sentences about the files that it began from.
    """

    def __init__(
        self,
        config: Config,
        corpus: Corpus | None = None,
        folder: Path | None = None,
        resumed: SavedModel | None = None,
        start_from: Network | None = None,
        workers: int = 1,
    ) -> None:
        self.folder = folder
        self.corpus = corpus or load_corpus(config)
        check_sizes(config, self.corpus)
        if resumed:
            _check_same(config, self.corpus, resumed)
        self.config = config = with_shards(config, self.corpus, resumed)
        train, vocab, ids = config.train, self.corpus.vocab, self.corpus.train.ids
        self.team = Team(config, vocab, ids, workers, self.corpus.train.file)
        self.network = self.team.network
        self.batches = Batches(ids, train.batch_size, train.seq_length)
        self.case = Case(config, len(ids), self.network.params.size, vocab.size, unigram_entropy(ids[:SEEN]))
        self.counters = Counters()
        self.added = self.removed = ""
        self.notes: list[str] = []
        self.versions = versions()
        self.lock: Lock | None = None
        if resumed:
            self._restore(resumed)
        else:
            self.network.initialise(np.random.default_rng(config.seed))
            if start_from:
                self.added, self.removed = transfer(start_from, self.network)
        per_epoch = len(self.batches)
        limits = [train.epochs * per_epoch if train.epochs else None, train.max_steps]
        self.steps = min(limit for limit in limits if limit)
        self.epochs = -(-self.steps // per_epoch)
        self.eval_every = train.eval_every or min(max(per_epoch, 100), 1000)
        self.log_every = train.log_every or max(self.eval_every // 10, 1)
        self.save_every = train.save_every or self.eval_every
        self.sample_every = train.sample_every or self.eval_every
        self._speed = (0, 0.0)  # characters and seconds of this session
        self._seconds = 0.0  # of earlier sessions
        self._saved_at = perf_counter()

    @property
    def finished(self) -> bool:
        """Whether the last step is done, or the run has stopped early."""
        return self.counters.step >= self.steps or bool(self.counters.stopped)

    def __iter__(self) -> Iterator[Progress]:
        """Train to the end, one Progress per step. Raises DivergedError where the loss is no longer finite."""
        while not self.finished:
            yield self.advance()

    def advance(self) -> Progress:
        """One training step, with the evaluation, log record, sample and checkpoint that fall due after it.

        Raises DivergedError where loss, gradient or parameters are no longer sensible numbers; or takes the steps back
        to an earlier state, as train.on_divergence says, and then one step from there.
        """
        undone = ""
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # what overflows is caught as divergence
            while True:
                try:
                    progress = self._after_step(self._step())
                    return replace(progress, rollback=undone) if undone else progress
                except DivergedError as error:
                    undone = self._roll_back(error)

    def _step(self) -> Progress:
        began = perf_counter()
        at, train, network = self.counters, self.config.train, self.network
        window, epoch = at.step % len(self.batches), at.step // len(self.batches) + 1
        count = self.batches.count(window)
        loss = self.team.gradient(at.step)
        norm = global_norm(network.params.grads)
        rate = self._learning_rate(epoch)
        if not (loss < ABSURD * log(self.corpus.vocab.size) and isfinite(norm)):
            found = f"loss {loss:g}, gradient norm {norm:g}, learning rate {rate:g}"
            raise self._diverged(found, at.step + 1)
        clipped = clip_(network.params.grads, norm, train.clip_norm, train.clip_value)
        if wrong := self.team.update(rate, at.step + 1):
            raise self._diverged(f"{wrong} that are not finite, learning rate {rate:g}", at.step + 1)
        at.step += 1
        at.chars += count
        for sums in (at.since_log, at.since_eval):
            add(sums, nats=loss * count, chars=count, norm=norm, clipped=clipped, steps=1)
        self._speed = (self._speed[0] + count, self._speed[1] + perf_counter() - began)
        speed, seconds = self.chars_per_second, self.seconds
        return Progress(at.step, self.steps, epoch, self.epochs, loss, rate, norm, clipped, speed, seconds)

    def _after_step(self, progress: Progress) -> Progress:
        at, last = self.counters, self.counters.step >= self.steps
        evaluated = at.step % self.eval_every == 0 or last
        if evaluated:
            valid = self._validate()
            last = last or bool(at.stopped)
        if at.step % self.log_every == 0 or evaluated:
            progress = replace(progress, record=self._log(progress, valid if evaluated else None))
        if self.config.train.sample_length and (at.step % self.sample_every == 0 or last):
            progress = replace(progress, sample=self._sample())
        due, minutes = at.step % self.save_every == 0 or last, self.config.train.save_minutes
        if self.folder and (due or (minutes and perf_counter() - self._saved_at >= 60 * minutes)):
            self.save(good=due and progress.loss < POOR * log(self.corpus.vocab.size))
            progress = replace(progress, saved=True)
        return progress

    def _learning_rate(self, epoch: int) -> float:
        train, step = self.config.train, self.counters.step
        s = train.schedule
        share = rate_share(s.kind, step, epoch, self.steps, s.factor, s.start_epoch, s.floor)
        if s.kind == "plateau":
            share = max(self.counters.plateau.rate, s.floor)
        if step < train.warmup_steps:
            share *= (step + 1) / train.warmup_steps
        return train.learning_rate * share * 0.5**self.counters.halvings

    def _diverged(self, found: str, step: int) -> DivergedError:
        norms = {name: global_norm(grad.reshape(-1)) for name, grad in self.network.params.grad.items()}
        worst = max(norms, key=lambda name: norms[name] if isfinite(norms[name]) else inf)
        kept = self.folder and (self.folder / LAST).exists()
        return DivergedError(
            f"diverged at step {step}: {found}, largest gradient in {worst}",
            "; try a lower train.learning_rate, a smaller train.clip_norm, or train.warmup_steps"
            + (f". {self.folder / LAST} holds the last good state" if self.folder and kept else ""),
        )

    def _roll_back(self, error: DivergedError) -> str:
        """Return to the state of the latest good save, with half the learning rate; says so in a sentence.

        The log keeps the steps that are undone: the record of the rollback follows them. Raises the error itself where
        there is no going back: the config does not want it, nothing is kept on disk, or it was tried too often.
        """
        at = self.counters
        if self.folder is None or self.config.train.on_divergence == "stop" or at.rollbacks >= ROLLBACKS:
            raise error
        self._restore(load_checkpoint(self.folder / ROLLBACK))
        now = self.counters
        now.best, now.best_step, now.records = at.best, at.best_step, at.records  # best.npz and the log stay
        now.halvings, now.rollbacks = at.halvings + 1, at.rollbacks + 1
        rate = self._learning_rate(now.step // len(self.batches) + 1)
        seconds = round(self.seconds, 3)
        self._append({"step": now.step, "rollback": error.found, "learning_rate": rate, "seconds": seconds})
        self.save()
        return f"{error.found}; back at step {now.step:,}, learning rate {rate:g}"

    def _validate(self) -> Report | None:
        """Score the validation split; note the best, and whether patience has run out."""
        at, train, report, improved = self.counters, self.config.train, None, False
        sums, at.since_eval = at.since_eval, {}
        if len(self.corpus.valid):
            report = score(self.network, self.corpus.valid.ids, self.corpus.valid.unknown)
            if not isfinite(report.nats):
                raise self._diverged(f"validation loss {report.nats_per_char:g}", at.step)
            at.plateau.see(report.nats_per_char, train.schedule.factor, train.schedule.patience)
            at.waited += 1
            improved = at.best is None or report.nats_per_char < at.best
            if improved:
                at.best, at.best_step, at.waited = report.nats_per_char, at.step, 0
            elif train.patience and at.waited >= train.patience:
                at.stopped = f"validation has not improved for {at.waited} evaluations"
        means = [sums["nats"] / sums["chars"], sums["norm"] / sums["steps"], sums["clipped"] / sums["steps"]]
        at.history.append([at.step, means[0], report.nats_per_char if report else None, *means[1:]])
        del at.history[:-REMEMBERED]
        if self.folder and improved:
            self._write(BEST, complete=False)
        return report

    @property
    def advice(self) -> list[str]:
        """What the evaluations say so far, in sentences (see diagnosis.py)."""
        return diagnose(self.counters.history, self.case)

    # -- what is kept ---------------------------------------------------------------------------------------------

    @property
    def chars_per_second(self) -> float:
        """Training speed of this session, evaluation and files not counted."""
        return self._speed[0] / self._speed[1] if self._speed[1] else 0.0

    def restart_clock(self) -> None:
        """Forget the speed measured so far."""
        self._speed = (0, 0.0)

    @property
    def seconds(self) -> float:
        """Seconds of training, earlier sessions included."""
        return self._seconds + self._speed[1]

    def _log(self, progress: Progress, valid: Report | None) -> dict[str, Any]:
        at = self.counters
        sums, at.since_log = at.since_log, {}
        loss = sums["nats"] / sums["chars"]
        record: dict[str, Any] = {
            "step": at.step,
            "epoch": progress.epoch,
            "chars": at.chars,
            "loss": loss,
            "bits_per_char": loss / log(2),
            "perplexity": exp(min(loss, 700)),
            "valid_loss": valid.nats_per_char if valid else None,
            "valid_bits_per_char": valid.bits_per_char if valid else None,
            "valid_perplexity": valid.perplexity if valid else None,
            "learning_rate": progress.learning_rate,
            "grad_norm": sums["norm"] / sums["steps"],
            "clipped": sums["clipped"] / sums["steps"],
            "advice": self.advice if at.history and at.history[-1][0] == at.step else None,
            "seconds": round(self.seconds, 3),
            "chars_per_second": round(self.chars_per_second),
        }
        self._append(record)
        return record

    def _append(self, record: dict[str, Any]) -> None:
        if self.folder:
            append(self.folder / LOG, (json.dumps(record) + "\n").encode())
            self.counters.records += 1

    def _sample(self) -> str:
        at = self.counters
        seed = self.config.seed ^ at.step << 20  # another text at each step, the same one in every run
        text = "".join(generate(self.network, self.config.train.sample_length, temp=0.8, seed=seed))
        if self.folder:
            path = self.folder / SAMPLES / f"{at.step:08d}.txt"
            path.parent.mkdir(exist_ok=True)
            put(path, self.network.vocab.to_bytes(text))
        return text

    def save(self, good: bool = False) -> None:
        """Write last.npz, the complete state, from which `--resume` goes on bit for bit; the one before it is kept.

        `good` says that a rollback may return to it: the steps called for it, not the clock or a signal, on whose time
        nothing may depend, and all seems well. That file is written first, so that last.npz is never ahead of it.
        """
        if self.folder and self.counters.records:
            sync(self.folder / LOG)  # the checkpoint counts on its records
        if good:
            self.counters.rollbacks = 0
            if self.config.train.on_divergence == "rollback":
                self._write(ROLLBACK, complete=True)
        self._write(LAST, complete=True, older=PREVIOUS)
        self._saved_at = perf_counter()

    def _write(self, name: str, complete: bool, older: str = "") -> None:
        """Write a checkpoint; without `complete`, only what sampling and scoring need."""
        assert self.folder is not None, "a run without a folder writes nothing"
        header = describe(self.config, self.corpus.vocab) | {
            "training": asdict(self.counters),
            "splits": {split.name: len(split) for split in (self.corpus.train, self.corpus.valid, self.corpus.test)},
            "data": self.corpus.fingerprint,
            "versions": self.versions,
        }
        arrays = dict(self.network.params.value)
        if complete:
            arrays |= {"state": self.team.state, "moments": self.team.moments}
        checkpoint.save(self.folder / name, header, arrays, self.folder / older if older else None)

    def _restore(self, resumed: SavedModel) -> None:
        """Take up where a complete checkpoint stands. Raises CheckpointError where it is not one."""
        for name, shape in (("state", self.team.state.shape), ("moments", self.team.moments.shape)):
            if name not in resumed.arrays or resumed.arrays[name].shape != shape:
                raise CheckpointError(f"{resumed.path}: damaged (the array {name} is missing or of another shape)")
        self.network.params.values[...] = resumed.network.params.values
        self.team.state = resumed.arrays["state"]
        self.team.moments[...] = resumed.arrays["moments"]
        try:
            saved = dict(resumed.header["training"])
            self.counters = Counters(**{**saved, "plateau": Plateau(**saved["plateau"])})
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"{resumed.path}: damaged (its training state: {error})") from None
        if self.counters.stopped and self.counters.waited < (self.config.train.patience or 1 << 60):
            self.counters.stopped = ""  # patience was raised: go on

    def close(self) -> None:
        """End the workers and give the run directory free; the end of the process does the same."""
        self.team.close()
        if self.lock:
            self.lock.close()

    def cut_log(self) -> None:
        """Cut the log back to where the checkpoint stands, so that no step appears twice or is missing.

        Raises CheckpointError where the log does not hold what the checkpoint counts on.
        """
        assert self.folder is not None
        path, count = self.folder / LOG, self.counters.records
        lines = path.read_bytes().splitlines(keepends=True)[:count] if path.exists() else []
        try:
            last = json.loads(lines[-1]) if lines else {"step": 0, "seconds": 0.0}
            whole = len(lines) == count and (not lines or lines[-1].endswith(b"\n"))
            sound = whole and last["step"] <= self.counters.step
            self._seconds = float(last["seconds"])
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise CheckpointError(
                f"{path}: does not hold the {count} records that {LAST} counts on; it was changed by hand, so nothing "
                f"is resumed: restore it, or start again with --force"
            )
        if path.exists():
            with open(path, "r+b") as file:
                file.truncate(sum(map(len, lines)))


def add(sums: dict[str, float], **values: float) -> None:
    """Add to running sums, which begin at zero."""
    for name, value in values.items():
        sums[name] = sums.get(name, 0) + value


def unigram_entropy(ids: Array) -> float:
    """The entropy of the characters of `ids`, (len,), one by one, in nats (Shannon 1948)."""
    shares = np.bincount(ids) / len(ids)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
