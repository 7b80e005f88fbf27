"""The keys of the section `train`. See keys.py."""

from dataclasses import dataclass
from typing import Literal

from charrnn.config.table import FOLLOWS_TEXT, Condition, key


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate changes."""

    kind: Literal["constant", "exponential", "cosine", "plateau"] = key(
        "cosine",
        "constant: the rate does not change. exponential: multiply it by factor at each epoch after start_epoch. "
        "cosine: lower it to floor at the last step (Loshchilov and Hutter 2017). plateau: multiply it by factor when "
        "the validation loss has not improved.",
    )
    factor: float = key(0.95, "exponential and plateau: what the rate is multiplied by.", above=0, high=1)
    start_epoch: int = key(10, "exponential: the last epoch at the full rate.", low=0)
    floor: float = key(0.05, "cosine and plateau: the lowest rate, as a fraction of learning_rate.", low=0, high=1)
    patience: int = key(2, "plateau: evaluations without improvement before the rate falls.", low=1)


@dataclass(frozen=True)
class TrainConfig:
    """Training."""

    seq_length: int = key(
        FOLLOWS_TEXT,
        "Length of the windows of truncated backpropagation through time, in characters; null: follows the length of "
        "the text.",
        low=1,
        only=Condition("task", ("language",)),
    )
    batch_size: int = key(
        FOLLOWS_TEXT,
        "Number of text streams that are read in parallel, or of examples in a batch; null: follows the length "
        "of the text.",
        low=1,
    )
    epochs: int | None = key(
        None, "Passes over the training text; null: no limit but max_steps, or without one follows the text.", low=1
    )
    max_steps: int | None = key(
        None, "Limit on the number of steps. The run ends at epochs or max_steps, whichever comes first.", low=1
    )
    optimizer: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"] = key("adamw", "The optimizer.")
    learning_rate: float = key(
        FOLLOWS_TEXT,
        "Learning rate, before the schedule is applied; null: follows the length of the text.",
        above=0,
    )
    schedule: ScheduleConfig = key(ScheduleConfig(), "How the learning rate changes; a word alone is the kind.")
    warmup_steps: int = key(0, "Steps over which the learning rate rises linearly from zero.", low=0)
    momentum: float = key(0.9, "Momentum coefficient of the optimizer momentum.", low=0, below=1)
    betas: tuple[float, float] = key(
        (0.9, 0.999), "Decay rates of the two moments of the gradient in adam and adamw.", low=0, below=1
    )
    rho: float = key(0.99, "Decay rate of the squared gradient in rmsprop.", low=0, below=1)
    epsilon: float = key(1e-8, "Added to the denominator in adagrad, rmsprop, adam and adamw.", above=0)
    weight_decay: float = key(
        FOLLOWS_TEXT,
        "Coefficient of the L2 penalty, added to the gradient; adamw decays the weights directly instead. null: 0.1 "
        "with adamw, else 0.",
        low=0,
    )
    clip_norm: float | None = key(
        5.0, "Largest global norm of the gradient: a larger gradient is scaled down to it. null: no limit.", above=0
    )
    clip_value: float | None = key(
        None, "Largest size of each entry of the gradient, enforced after clip_norm. null: no limit.", above=0
    )
    workers: Literal["auto"] | int = key(
        "auto", "Processes that share the work; auto: one per processor, but no more than shards.", low=1, high=256
    )
    shards: int | None = key(
        None,
        "Number of parts that each batch is divided into. With the same number of shards, any number of workers gives "
        "the same model, bit for bit. null: chosen from this machine's processors and the size of the model, then kept "
        "for the run.",
        low=1,
        high=256,
    )
    log_every: int | None = key(None, "Steps between records of the log; null: a tenth of eval_every.", low=1)
    eval_every: int | None = key(
        None,
        "Steps between evaluations on the validation split; null: one epoch, but at least 100 and at most 1000 steps.",
        low=1,
    )
    save_every: int | None = key(None, "Steps between saves of last.npz; null: at each evaluation.", low=1)
    save_minutes: float | None = key(
        10.0, "Also save after this many minutes; null: never. Does not affect the result.", above=0
    )
    sample_every: int | None = key(
        None, "Steps between samples; null: at each evaluation.", low=1, only=Condition("task", ("language",))
    )
    sample_length: int = key(
        300,
        "Characters in each sample that is written during training; 0: no samples.",
        low=0,
        only=Condition("task", ("language",)),
    )
    tensorboard: bool = key(
        False,
        "Also write the log and the samples for TensorBoard, into the folder tensorboard of the run directory. Does "
        "not affect the result.",
    )
    teacher: str | tuple[str, ...] | None = key(
        None,
        "A run of a network with the same vocabulary, or a list of several. What they predict, on average, is learned "
        "together with the text itself (Hinton et al. 2015). null: none.",
        only=Condition("task", ("language",)),
    )
    teacher_share: float = key(
        0.5,
        "The share of each target that is the prediction of train.teacher; the rest is the character of the text.",
        above=0,
        high=1,
        only=Condition("task", ("language",)),
    )
    label_smoothing: float = key(
        0.0,
        "Share of each target that is spread evenly over all labels, or target symbols (Szegedy et al. 2016).",
        low=0,
        below=1,
        only=Condition("task", ("classify", "tag", "translate")),
    )
    class_weights: Literal["none", "balanced"] | dict[str, float] = key(
        "none",
        "balanced: the loss of each label counts in inverse proportion to its frequency. A mapping gives labels their "
        "weights, such as {spam: 5}; a label that it does not name has 1.",
        above=0,
        only=Condition("task", ("classify", "tag")),
    )
    best: Literal["loss", "accuracy", "macro_f1", "auc", "rmse", "span_f1", "exact", "symbol_error"] = key(
        "loss",
        "The validation figure that chooses best.npz and decides patience and plateau. accuracy: of labels; to tag, of "
        "symbols or tokens. macro_f1: the mean F1 of the labels. auc: with output sigmoid. rmse: with output linear. "
        "span_f1: to tag with labels such as B-PER and I-PER. exact, symbol_error: to translate, the share of right "
        "targets, and of wrong symbols (edit distance).",
        only=Condition("task", ("classify", "tag", "translate")),
    )
    patience: int | None = key(
        10, "Stop after this many evaluations without improvement; null: do not stop early.", low=1
    )
    on_divergence: Literal["stop", "rollback"] = key(
        "stop",
        "What to do when training diverges: the loss, the gradient or a parameter is not finite or far too large. "
        "stop: end with exit code 4. rollback: return to the state of the latest save_every with a sound loss (at most "
        "twice that of guessing), halve the learning rate and continue; at most five times in a row.",
    )
