"""Rules between keys that concern what is learned: a language, to classify, to tag, or to translate. See rules.py."""

from collections.abc import Callable, Iterator

from charrnn.config.clash import Clash, has_validation, separate_texts
from charrnn.config.keys import Config

NOT_FOR_LANGUAGE = ("stratified", "column")  # splits
NOT_FOR_EXAMPLES = ("contiguous", "streams")
WITHOUT_COLUMNS = ("files", "folders")  # formats
COLUMN_KEYS = ("source", "target", "split_column")
FIGURES = {  # what is learned: the values of train.best that go with it
    "softmax": ("loss", "accuracy", "macro_f1"),
    "sigmoid": ("loss", "auc"),
    "linear": ("loss", "rmse"),
    "tag": ("loss", "accuracy", "span_f1"),
    "translate": ("loss", "exact", "symbol_error"),
}


def a_language_model_reads_forwards(config: Config) -> Iterator[Clash]:
    """A language model must not see the characters that it is to predict."""
    if config.task == "language" and config.model.bidirectional:
        message = (
            "model.bidirectional: a language model would see the characters that it is to predict; leave it out, or "
            "set task to classify, tag or translate"
        )
        yield Clash("model.bidirectional", message, ("task",))


def ngrams_have_one_label(config: Config) -> Iterator[Clash]:
    """An n-gram is a model of a language, or of the texts of each label."""
    if config.task == "language" or config.model.cell != "ngram":
        return
    if config.task != "classify":
        message = f"model.cell: ngram does not go with task: {config.task}; use lstm, gru or rnn"
        yield Clash("model.cell", message, ("task",))
    elif config.model.output != "softmax":
        message = f"model.cell: ngram gives one of several labels, not model.output: {config.model.output}; use gru"
        yield Clash("model.cell", message, ("model.output", "task"))


def splits_suit_the_task(config: Config) -> Iterator[Clash]:
    """A text is cut or its documents are drawn; examples are drawn, or a column says where each belongs."""
    data = config.data
    if config.task == "language":
        if data.split in NOT_FOR_LANGUAGE:
            message = f"data.split: {data.split} applies only with task: classify | tag | translate; use auto"
            yield Clash("data.split", message, ("task",))
        return
    if data.split in NOT_FOR_EXAMPLES:
        choices = "random or column" if config.task == "translate" else "random, stratified or column"
        message = f"data.split: {data.split} cuts a text; use {choices} with task: {config.task}"
        yield Clash("data.split", message, ("task",))
    elif data.split == "stratified" and (config.task != "classify" or config.model.output != "softmax"):
        message = "data.split: stratified needs one label for each example; use random"
        yield Clash("data.split", message, ("task", "model.output"))
    if data.split == "column" and data.split_column is None:
        message = "data.split: column needs data.split_column, the column that says train, valid or test"
        yield Clash("data.split", message, ("data.split_column",))
    if data.split_column is not None:
        if data.split not in ("auto", "column"):
            message = f"data.split_column does not go with data.split: {data.split}; leave one of them out"
            yield Clash("data.split_column", message, ("data.split",))
        elif separate := separate_texts(data):
            yield Clash("data.split_column", f"data.split_column splits data.path; it does not go with {separate[0]}")


def names_need_no_columns(config: Config) -> Iterator[Clash]:
    """Where names of files or folders give the classes, there are no columns."""
    for name in COLUMN_KEYS if config.data.format in WITHOUT_COLUMNS else ():
        if getattr(config.data, name) is not None:
            message = f"data.{name} names a column, and data.format: {config.data.format} has none; leave it out"
            yield Clash(f"data.{name}", message, ("data.format",))


def labels_suit_the_output(config: Config) -> Iterator[Clash]:
    """Several columns or several labels in a cell need an output that predicts several things."""
    data, output = config.data, config.model.output
    several = isinstance(data.target, tuple) and len(data.target) > 1
    if several and config.task == "translate":
        yield Clash("data.target", "data.target: an example has one target; name one column", ("task",))
    elif several and (config.task == "tag" or output == "softmax"):
        wanted = (
            "a label for each symbol is" if config.task == "tag" else "model.output: softmax gives one label, which is"
        )
        message = f"data.target: {wanted} read from one column; name one, or use model.output: sigmoid or linear"
        yield Clash("data.target", message, ("model.output", "task"))
    if config.task == "classify" and data.label_separator is not None:
        if output != "sigmoid":
            message = "data.label_separator needs model.output: sigmoid, which gives an example several labels"
            yield Clash("data.label_separator", message, ("model.output",))
        elif several:
            message = "data.label_separator separates labels in one cell; name one column in data.target"
            yield Clash("data.label_separator", message, ("data.target",))


def softmax_alone_weighs_and_smooths(config: Config) -> Iterator[Clash]:
    """Weights and smoothing of labels are those of a softmax."""
    if config.task != "classify" or config.model.output == "softmax":
        return
    if config.train.label_smoothing:
        yield Clash("train.label_smoothing", "train.label_smoothing needs model.output: softmax", ("model.output",))
    if config.train.class_weights != "none":
        yield Clash("train.class_weights", "train.class_weights needs model.output: softmax", ("model.output",))


def the_best_is_measured(config: Config) -> Iterator[Clash]:
    """The figure that chooses the best model is one of its kind, on a validation split."""
    if config.task == "language" or config.train.best == "loss":
        return
    kind = config.model.output if config.task == "classify" else config.task
    if config.train.best not in FIGURES[kind]:
        subject = f"model.output: {kind}" if config.task == "classify" else f"task: {kind}"
        message = f"train.best: {config.train.best} does not go with {subject}; use {' or '.join(FIGURES[kind])}"
        yield Clash("train.best", message, ("model.output", "task"))
    elif not has_validation(config.data):
        message = f"train.best: {config.train.best} depends on validation, but there is no validation split"
        yield Clash("train.best", message, ("data.fractions", "data.valid_path", "data.test_path"))


def segments_are_no_column(config: Config) -> Iterator[Clash]:
    """Segments are the tokens of a file themselves."""
    if config.task != "tag" or config.model.scheme != "segments":
        return
    if config.data.format not in ("auto", "conll", "conllu"):
        message = f"model.scheme: segments reads tokens of conll or conllu; data.format: {config.data.format} has none"
        yield Clash("model.scheme", message, ("data.format",))
    for name in ("target", "label_separator"):
        if getattr(config.data, name) is not None:
            message = f"data.{name} does not go with model.scheme: segments, whose labels follow from the tokens"
            yield Clash(f"data.{name}", f"{message}; leave it out", ("model.scheme",))


def attention_by_dot_needs_one_direction(config: Config) -> Iterator[Clash]:
    """A product of two states needs them to be of one size, and two directions side by side are twice as wide."""
    if config.task == "translate" and config.model.attention == "dot" and config.model.bidirectional is not False:
        message = (
            "model.attention: dot compares states of one size, and an encoder in both directions is twice as wide; "
            "set model.bidirectional to false, or use general"
        )
        yield Clash("model.attention", message, ("model.bidirectional",))


def pairs_are_read_whole(config: Config) -> Iterator[Clash]:
    """A pair is a row of a table, of characters or of symbols between blanks, and its target is never cut."""
    data = config.data
    if config.task != "translate":
        return
    if data.format in WITHOUT_COLUMNS:
        message = f"data.format: {data.format} has no target for each source; use tsv, csv, jsonl, conll or conllu"
        yield Clash("data.format", message, ("task",))
    if data.tokens == "byte":
        yield Clash("data.tokens", "data.tokens: byte does not go with task: translate; use char", ("task",))
    if data.too_long == "cut":
        message = "data.too_long: cut would leave half a target to learn; use skip, or raise data.max_length"
        yield Clash("data.too_long", message, ("task",))


TASK_RULES: tuple[Callable[[Config], Iterator[Clash]], ...] = (
    a_language_model_reads_forwards,
    ngrams_have_one_label,
    splits_suit_the_task,
    names_need_no_columns,
    labels_suit_the_output,
    softmax_alone_weighs_and_smooths,
    the_best_is_measured,
    segments_are_no_column,
    attention_by_dot_needs_one_direction,
    pairs_are_read_whole,
)
