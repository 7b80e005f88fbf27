"""The training loop, as an iterator of Progress.

One step reads a window, runs forward and backward, clips the gradient and updates the parameters. Everything that a run
needs to continue bit for bit is in last.npz. The position in the data, dropout masks and samples are functions of
(seed, step), so there is no generator to save. A value that is not finite is detected in the step in which it occurs:
the run ends, or rolls back. The clock may cause a save, but no time is written into a checkpoint. The loop prints
nothing and handles no signals: whoever iterates may stop after any step.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import inf, isfinite
from time import perf_counter
from typing import Any

import numpy as np

from charrnn.blas import one_thread
from charrnn.config import Config
from charrnn.data import Corpus
from charrnn.errors import DivergedError
from charrnn.models import Network, SavedModel, Sums, TrainingState, load_checkpoint, transfer
from charrnn.optim import clip_, global_norm
from charrnn.parallel import Ranks, Team
from charrnn.storage import RunDirectory
from charrnn.training.agreeing import agree_on
from charrnn.training.corpora import AnyCorpus, read_corpus
from charrnn.training.defaults import chosen_values, settled
from charrnn.training.diagnosis import diagnose
from charrnn.training.divergence import MAX_ROLLBACKS, diverged_error, has_diverged, may_roll_back_to, rolled_back
from charrnn.training.early_stopping import note_validation
from charrnn.training.material import make_material
from charrnn.training.plan import Plan
from charrnn.training.resuming import check_same, with_shards
from charrnn.training.saving import Saver, restore
from charrnn.training.state import LogRecord, Progress, note_evaluation
from charrnn.training.stopwatch import Stopwatch
from charrnn.training.teaching import Teachers, read_teachers
from charrnn.training.validation import Validation


class Run:
    """A training run. Iterate over it to train; close() it at the end.

    Arguments:
        config: the settings.
        corpus: its text or its examples, already read; None reads them.
        directory: a claimed run directory to write to; without one, nothing is written.
        resumed: a complete state to continue from.
        start_from: a network whose parameters to begin with (fine-tuning).
        workers: processes; for more than one, the program's main module must be importable: they are spawned.
        ranks: all machines of the run; each gives its own directory. None for a single one.
        teachers: those that the config names, already read; None reads them.

    Attributes:
        config, chosen: the settings, complete, and those that the config left to the text.
        corpus, network, directory: what is trained on, what is trained, and where it is written.
        material, teachers: what the loop takes from the corpus, and the networks that are imitated beside it.
        state, notes: the progress so far, and sentences about what the run begins from.
        plan, facts: length and intervals, and what the diagnosis judges by.
        added, removed: characters of the text that the model of `start_from` lacked, and those it had in excess.

    Raises:
        ConfigError: the model is an n-gram.
        TextError: the text cannot be read or is too small.
        CheckpointError: `resumed` is damaged, or of another config or text; a teacher is, or has other characters.
        CharrnnError: the run does not fit into memory.
    """

    def __init__(  # noqa: PLR0913 - open_run() hands over what it has read
        self,
        config: Config,
        corpus: AnyCorpus | None = None,
        directory: RunDirectory | None = None,
        resumed: SavedModel | None = None,
        start_from: Network | None = None,
        workers: int = 1,
        ranks: Ranks | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        self.directory = directory
        self.notes: list[str] = []
        self.corpus = corpus or read_corpus(config)
        complete = settled(config, self.corpus, resumed, start_from)
        self.teachers = teachers or read_teachers(config, self.corpus, directory.path if directory else None)
        if resumed:
            check_same(complete, self.corpus, resumed, self.teachers.digests)
        self.config = with_shards(complete, self.corpus, resumed)
        self.chosen = chosen_values(config, complete)
        material = self.material = make_material(self.config, self.corpus)
        expected = self.teachers.expected(self.corpus)
        self.team = Team(self.config, material.vocab, material.content, workers, material.file, ranks, expected)
        self.network: Any = self.team.network  # an AnyNetwork; its kind is that of the corpus
        self.batches = material.batches
        self.plan = Plan.of(self.config.train, material.steps_per_epoch)
        self.facts = material.facts(self.network.params.size)
        digests = self.teachers.digests
        self.saver = Saver(directory, self.config, self.corpus, self.team, material, digests) if directory else None
        self.stopwatch = Stopwatch()
        self.added, self.removed = "", ""
        self._saved_at = perf_counter()
        if resumed:
            self.state = restore(resumed, self.team, self.config.train)
            if directory:
                self.stopwatch.earlier = directory.cut_log(self.state.records, self.state.step)
        else:
            self.state = TrainingState()
            self.network.initialise(np.random.default_rng(config.seed))
            if start_from and isinstance(self.network, Network):
                self.added, self.removed = transfer(start_from, self.network)
            self.team.begin_equally()

    @property
    def finished(self) -> bool:
        """Whether the last step is done or the run has stopped early."""
        return self.state.step >= self.plan.steps or bool(self.state.stopped)

    @property
    def model(self) -> Any:
        """The model that is trained, as it samples and scores: the network, or with model.ngram its mixture.

        Of another task than language, a TaskModel or TranslateModel.
        """
        return self.material.model(self.network)

    @property
    def advice(self) -> list[str]:
        """The sentences of the diagnosis after the latest evaluation; none if nothing is wrong."""
        return diagnose(self.state.history, self.facts)

    def close(self) -> None:
        """End the workers and release the run directory, as the end of the process also does."""
        self.team.close()
        if self.directory:
            self.directory.release()

    # -- the loop -----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Progress]:
        """Train to the end, one Progress per step. Raises DivergedError as advance() does."""
        while not self.finished:
            yield self.advance()

    def advance(self) -> Progress:
        """Do one training step, and the evaluation, log record, sample and save that are due after it.

        If the step diverges and train.on_divergence is rollback, return to an earlier state and do a step from there.

        Raises:
            DivergedError: loss, gradient or parameters are not finite or far too large.
            OSError: a file could not be written.
        """
        rollback = ""
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # overflow is detected as divergence
            while True:
                try:
                    progress = self._after_step(self._step())
                    return replace(progress, rollback=rollback) if rollback else progress
                except DivergedError as error:
                    rollback = self._roll_back(error)

    def _step(self) -> Progress:
        began = perf_counter()
        state, train, grads = self.state, self.config.train, self.network.params.grads
        epoch, (targets, chars) = self.plan.epoch(state.step), self.material.sizes(state.step)
        loss = self.team.forward_backward(state.step)
        norm, rate = self.team.of_rank_0(global_norm(grads), self.plan.learning_rate(train, state))
        if has_diverged(loss, norm, self.material.guessing):
            raise self._diverged(f"loss {loss:g}, gradient norm {norm:g}, learning rate {rate:g}", state.step + 1)
        clipped = clip_(grads, norm, train.clip_norm, train.clip_value)
        if wrong := self.team.update(rate, state.step + 1):
            raise self._diverged(f"{wrong} that are not finite, learning rate {rate:g}", state.step + 1)
        state.step += 1
        state.chars += chars
        for sums in (state.since_log, state.since_eval):
            sums.add(loss, targets, norm, clipped)
        self.stopwatch.add(chars, perf_counter() - began)
        return Progress(
            step=state.step,
            steps=self.plan.steps,
            epoch=epoch,
            epochs=self.plan.epochs,
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
            clipped=clipped,
            chars_per_second=self.stopwatch.chars_per_second,
            seconds=self.stopwatch.seconds,
        )

    def _after_step(self, progress: Progress) -> Progress:
        """Evaluate, log, sample and save as far as each is due."""
        step, plan, train = self.state.step, self.plan, self.config.train
        last = step >= plan.steps
        valid = None
        evaluated = step % plan.eval_every == 0 or last
        if evaluated:
            valid = self._evaluate()
            last = last or bool(self.state.stopped)
        if step % plan.log_every == 0 or evaluated:
            progress = replace(progress, record=self._log(progress, valid))
        if self.material.draws_samples and train.sample_length and (step % plan.sample_every == 0 or last):
            text = self.material.sample(self.network, step)
            progress = replace(progress, sample=text)
            if self.saver:
                self.saver.write_sample(text, step)
        if self.saver:
            due = step % plan.save_every == 0 or last
            late = perf_counter() - self._saved_at >= 60 * (train.save_minutes or inf)
            if self.team.agree("save", late) or due:
                self.save(rollback_point=due and may_roll_back_to(progress.loss, self.material.guessing))
                progress = replace(progress, saved=True)
        return progress

    def _evaluate(self) -> Validation | None:
        """Score the validation split, and write best.npz if its figure is the best so far."""
        valid = agree_on(self.material.validate(self.network, self.team.spread), self.team)
        if valid and not isfinite(valid.total):
            raise self._diverged(f"validation loss {valid.loss:g}", self.state.step)
        improved = valid is not None and note_validation(self.state, valid.figure, self.config.train)
        note_evaluation(self.state, valid)
        if self.saver and valid and improved:
            self.saver.write_best(self.state, valid.thresholds)
        return valid

    def _log(self, progress: Progress, valid: Validation | None) -> LogRecord:
        """Write a record of the steps since the record before."""
        state, stopwatch = self.state, self.stopwatch
        sums, state.since_log = state.since_log, Sums()
        evaluated = bool(state.history) and state.history[-1].step == state.step
        record = LogRecord.of(
            sums,
            valid,
            not isinstance(self.corpus, Corpus),
            step=state.step,
            epoch=progress.epoch,
            chars=state.chars,
            learning_rate=progress.learning_rate,
            advice=self.advice if evaluated else None,
            seconds=round(stopwatch.seconds, 3),
            chars_per_second=round(stopwatch.chars_per_second),
        )
        if self.saver:
            self.saver.write_record(record.to_dict(), state)
        return record

    def save(self, rollback_point: bool = False) -> None:
        """Write last.npz, the complete state, from which the run continues bit for bit; keep the file before it.

        Arguments:
            rollback_point: also save this state for a rollback. Only scheduled saves may do so, because a save caused
                by the clock or a signal must not influence the run.

        Raises:
            OSError: the file could not be written; the one before it is still there.
        """
        assert self.saver is not None, "a run without a directory writes nothing"
        if rollback_point:
            self.state.rollbacks = 0
        self.saver.write_last(self.state, rollback_point and self.config.train.on_divergence == "rollback")
        self._saved_at = perf_counter()

    # -- divergence ---------------------------------------------------------------------------------------------------

    def _diverged(self, fault: str, step: int) -> DivergedError:
        return diverged_error(fault, step, self.network, self.directory)

    def _roll_back(self, error: DivergedError) -> str:
        """Return to the latest rollback point with half the learning rate, and say so in a sentence.

        The log keeps the undone steps, followed by the record of the rollback. Raises the error itself if the config
        does not ask for rollbacks, the run has no directory, or there were too many rollbacks in a row.
        """
        undone, train = self.state, self.config.train
        if self.saver is None or train.on_divergence == "stop" or undone.rollbacks >= MAX_ROLLBACKS:
            raise error
        earlier = restore(load_checkpoint(self.saver.directory.rollback), self.team, train)
        state = self.state = rolled_back(earlier, undone)
        rate, seconds = self.plan.learning_rate(train, state), round(self.stopwatch.seconds, 3)
        record = {"step": state.step, "rollback": error.found, "learning_rate": rate, "seconds": seconds}
        self.saver.write_record(record, state)
        self.save()
        return f"{error.found}; back at step {state.step:,}, learning rate {rate:g}"
