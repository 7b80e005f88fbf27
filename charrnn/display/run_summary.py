"""Lines about a run: those before its first step, those of --dry-run, and those of `charrnn bench`.

Each function returns lines and prints nothing.
"""

from charrnn.blas import forced_kernel, sentence
from charrnn.data import Corpus, DocumentFacts, ExampleCorpus, PairCorpus, remarks
from charrnn.display.example_summary import example_header, example_remarks
from charrnn.display.formats import duration, plural, size
from charrnn.display.pair_summary import pair_header, pair_remarks
from charrnn.errors import visible
from charrnn.training import SIDE_BY_SIDE, Bench, Estimate, Gain, Run


def header(run: Run) -> list[str]:
    """Return lines that name the text, the model, the length of training and the machine."""
    return [
        *content_header(run),
        *chosen_lines(run),
        f"machine: {sentence()}; {plural(run.team.workers, 'worker')} of one thread each",
    ]


def content_header(run: Run) -> list[str]:
    """Return lines that name what is trained on, the model and the length of training."""
    corpus = run.corpus
    if isinstance(corpus, PairCorpus):
        return pair_header(run, corpus)
    return example_header(run, corpus) if isinstance(corpus, ExampleCorpus) else text_header(run, corpus)


def text_header(run: Run, corpus: Corpus) -> list[str]:
    """Return lines that name the text, the model and the length of training."""
    model, train = run.config.model, run.config.train
    kind = read_in(corpus)
    split = f"train {len(corpus.train):,}, valid {len(corpus.valid):,}, test {len(corpus.test):,}"
    layers = f"{model.num_layers} x {model.hidden_size}"
    inside = f"{model.ngram}-gram inside, " if model.ngram else ""
    return [
        f"text: {corpus.size:,} {kind} ({split}), vocabulary {corpus.vocab.size}",
        *documents_lines(corpus.documents, kind),
        f"model: {model.cell} {layers}, {inside}{run.network.params.size:,} parameters",
        f"training: {run.plan.steps:,} steps of {train.batch_size} x {train.seq_length} {kind}, "
        f"{plural(run.plan.epochs, 'epoch')}; evaluated every {run.plan.eval_every:,} steps",
    ]


def read_in(corpus: Corpus) -> str:
    """Return what a text is read and counted in."""
    return "bytes" if corpus.vocab.tokens == "byte" else "characters"


def chosen_lines(run: Run) -> list[str]:
    """Return the line about the keys that the config leaves out; none if it gives them all."""
    if not run.chosen:
        return []
    values = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in run.chosen.items())
    unit = f"{read_in(run.corpus)} of training text" if isinstance(run.corpus, Corpus) else "examples to train on"
    return [f"chosen for {len(run.corpus.train):,} {unit}: {values}"]


def remarks_on(run: Run) -> list[str]:
    """Return what a user should know about the text or the examples before the first step, one sentence each."""
    if isinstance(run.corpus, PairCorpus):
        return pair_remarks(run.corpus)
    if isinstance(run.corpus, ExampleCorpus):
        return example_remarks(run.corpus)
    follows_text = "model.hidden_size" in run.chosen  # then others have been compared with it on texts of this length
    return remarks(run.config, run.corpus, 0 if follows_text else run.network.params.size)


def documents_lines(facts: DocumentFacts | None, kind: str = "characters") -> list[str]:
    """Return the line about the documents of a text; none for a text that is one stream.

    Arguments:
        facts: what the corpus counted.
        kind: what their lengths are counted in.
    """
    if facts is None:
        return []
    splits = ", ".join(f"{name} {count:,}" for name, count in facts.splits.items())
    line = (
        f"documents: {facts.count:,} ({splits}) of {facts.shortest:,} to {facts.longest:,} {kind}, median "
        f"{facts.median:,}; {facts.duplicates:,} repeat{'s' * (facts.duplicates == 1)} an earlier one"
    )
    held_out = sum(facts.splits[name] for name in facts.seen)
    if held_out:
        seen = sum(facts.seen.values())
        line += f"; {seen:,} of the {held_out:,} held-out ones also stand{'s' * (seen == 1)} in the training text"
    return [line + (f"; {facts.empty:,} empty left out" if facts.empty else "")]


def opening(run: Run, resumed_from: int | None) -> list[str]:
    """Return the lines before the first step: the header, changes of the vocabulary, and notes.

    Arguments:
        run: the run, not yet iterated over.
        resumed_from: the step that --resume continues after, 0 if there was nothing to resume; None without --resume.
    """
    lines = header(run)
    if run.added or run.removed:
        lines.append(f"vocabulary: new {visible(repr(run.added))}, no longer there {visible(repr(run.removed))}")
    if resumed_from is not None:
        resuming = f"resuming after step {resumed_from:,}"
        lines.append(resuming if resumed_from else "nothing to resume yet: starting from the beginning")
    notes = [*run.notes, *remarks_on(run), forced_kernel()]
    return lines + [f"note: {note}" for note in notes if note]


def describe_estimate(estimate: Estimate) -> list[str]:
    """Return the lines that --dry-run prints."""
    run = estimate.run
    by_owner = ", ".join(f"{owner} {size(count)}" for owner, count in estimate.memory.items())
    one_epoch = duration(estimate.seconds / run.plan.steps * run.plan.steps_per_epoch)
    return [
        *header(run),
        f"memory: about {size(sum(estimate.memory.values()))} ({by_owner}) beside Python and NumPy",
        f"speed: {estimate.chars_per_second:,.0f} char/s measured",
        f"time: about {duration(estimate.seconds)} for all {run.plan.steps:,} steps ({one_epoch} an epoch); "
        f"early stopping may end it before",
        *(gain_lines(estimate.gain) if estimate.gain else []),
        *(f"note: {note}" for note in [*run.notes, *remarks_on(run)]),
        "nothing was trained or written",
    ]


def gain_lines(gain: Gain) -> list[str]:
    """Return the lines on what several machines gain, and whether they pay."""
    steps = [1000 * gain.step_chars / speed for speed in (gain.together, gain.alone)]
    split = [1000 * seconds for seconds in (gain.computing, gain.exchange, gain.waiting)]
    pays = f"{gain.ranks} ranks pay at this batch"
    if gain.factor < 1:
        pays = (
            f"{gain.ranks} ranks do not pay at this batch; a larger train.batch_size or train.seq_length gives each "
            f"exchange more work"
        )
    return [
        f"exchange: {1000 * gain.exchange:,.1f} ms a step ({gain.bytes_per_second / 1e6:,.0f} MB/s to each rank, "
        f"latency {1e6 * gain.latency:,.0f} us)",
        f"step: {split[0]:,.1f} ms computing, {split[1]:,.1f} ms exchange, {split[2]:,.1f} ms waiting for other ranks",
        f"ranks: a step takes {steps[0]:,.0f} ms, and {steps[1]:,.0f} ms on rank 0 alone, {gain.factor:.2g} times as "
        f"fast: {pays}",
    ]


def describe_bench(bench: Bench) -> list[str]:
    """Return the lines that `charrnn bench` prints."""
    lines = ["workers     char/s   of the ceiling   memory   an epoch"]
    for row in bench.rows:
        share = row.chars_per_second / row.ceiling
        mark = "   <- best" if row is bench.best and len(bench.rows) > 1 else ""
        lines.append(
            f"{row.workers:>7} {row.chars_per_second:>10,.0f} {share:>15.0%} {size(row.memory):>9} "
            f"{duration(row.epoch_seconds):>10}{mark}"
        )
    lines += [
        "The ceiling is the speed of a step's matrix products alone, on as many processes.",
        f"evaluation: {bench.evaluation:,.0f} char/s, one process",
        f"sampling: {bench.sampling:,.0f} char/s one text, {bench.sampling_batch:,.0f} char/s {SIDE_BY_SIDE} at once",
    ]
    if bench.best.workers == bench.auto:
        return [*lines, f"train.workers: auto takes {bench.auto}, the best."]
    return [*lines, f"train.workers: auto takes {bench.auto}; try --set train.shards={bench.best.workers}"]
