"""`charrnn report` of translators: what can be measured on held-out pairs."""

from typing import TYPE_CHECKING

from charrnn.cli.evaluate_translation import own_pairs

if TYPE_CHECKING:
    from charrnn.data import PairSplit
    from charrnn.display import HeldOutPairs
    from charrnn.generation import Answers
    from charrnn.inspection import AttentionMap
    from charrnn.models import SavedModel, TranslateModel

MAX_MAPS = 12  # sources whose attention is shown
MAX_MAP_SYMBOLS = 30  # of either side; longer ones would not fit a page


def about_translation(loaded: "SavedModel") -> str:
    """The model in a sentence or two."""
    from charrnn.models import model_name

    model, config = loaded.translate_model, loaded.config.model
    steps = f", after {loaded.step:,} steps" if loaded.step else ""
    text = (
        f"A translator: {model_name(config)}, attention {config.attention}, {model.size:,} parameters, "
        f"{len(model.source.names):,} source symbols, {len(model.target.names):,} target symbols{steps}."
    )
    return f"{text} {loaded.note}".rstrip()


def measure_pairs(loaded: "SavedModel") -> "HeldOutPairs":
    """Everything that is measured on held-out pairs. Raises: TextError without any, or where they have changed."""
    from charrnn.display import HeldOutPairs
    from charrnn.evaluation import ScoredTranslator, assess_translation

    corpus = loaded.pairs()
    scored = ScoredTranslator(loaded.name, loaded.translate_model, own_pairs(corpus, None), corpus)
    report, answers = assess_translation([scored], baselines=True)
    return HeldOutPairs(report, maps_of(loaded.translate_model, scored.split, answers))


def maps_of(model: "TranslateModel", split: "PairSplit", answers: "list[Answers]") -> "list[AttentionMap]":
    """The attention of some sources, evenly from the first to the last; none of a model without attention."""
    from charrnn.inspection import attention_maps

    if model.config.model.attention == "none":
        return []
    short = [
        k
        for k, (source, own) in enumerate(zip(split.sources, answers, strict=True))
        if max(len(source), len(own.symbols)) <= MAX_MAP_SYMBOLS
    ]
    chosen = [short[k * len(short) // MAX_MAPS] for k in range(MAX_MAPS)] if len(short) > MAX_MAPS else short
    sources = [split.sources[k] for k in chosen]
    return attention_maps(model, sources, [answers[k].symbols for k in chosen]) if chosen else []
