"""Targets of many sources: one translator or several, in batches of any size, with a bound on their length."""

from math import isnan, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.data.pair_rows import PairRules
from charrnn.data.rows import Layout
from charrnn.data.symbols import Symbols
from charrnn.errors import CheckpointError
from charrnn.generation import translating
from charrnn.generation.translating import check_writers, translate_texts
from charrnn.models.translate_model import TranslateModel
from tests.support.translators import SOURCE, TARGET, a_config, a_copier

SHARE = 0.2 / 5  # the probability of each symbol that is not right


def test_the_likeliest_target_is_written_symbol_by_symbol() -> None:
    (found,) = translate_texts([a_copier()], ["abx"])
    assert (found.text, found.symbols) == ("ABY", ("A", "B", "Y"))
    assert found.probability == pytest.approx(0.8**4)
    assert not found.hypotheses[0].cut


def test_an_empty_text_has_no_target_and_an_unknown_symbol_is_read() -> None:
    found = translate_texts([a_copier()], ["", "a", "?b"])
    assert [own.text for own in found] == ["", "A", "AB"]
    assert (found[0].hypotheses, found[0].symbols) == ((), ())
    assert isnan(found[0].probability)


@settings(max_examples=25)
@given(st.lists(st.text("abcx", max_size=6), min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 5))
def test_what_is_written_does_not_depend_on_what_is_read_beside_it(texts: list[str], top: int, size: int) -> None:
    alone = [translate_texts([a_copier()], [text], beam=4, top=top)[0] for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translating, "MAX_SOURCES", size)
        assert translate_texts([a_copier()], texts, beam=4, top=top) == alone
    for text, found in zip(texts, alone, strict=True):
        assert len({own.text for own in found.hypotheses}) == len(found.hypotheses) == (top if text else 0)


def test_the_other_targets_come_in_order_of_their_probabilities() -> None:
    (found,) = translate_texts([a_copier()], ["a"], beam=20, top=4)
    p = [own.probability for own in found.hypotheses]
    assert found.text == "A"
    assert p == sorted(p, reverse=True)
    assert p[0] == pytest.approx(0.64)
    assert found.hypotheses[1].text == ""
    assert p[1:] == pytest.approx([SHARE, SHARE * 0.8, SHARE * 0.8])


def test_several_models_have_the_mean_of_their_probabilities_at_each_step() -> None:
    sure, unsure = a_copier(0.9), a_copier(0.4)
    (found,) = translate_texts([sure, unsure], ["ab"])
    assert found.probability == pytest.approx(0.65**3)
    assert translate_texts([sure], ["ab"])[0].probability == pytest.approx(0.9**3)


def test_a_target_that_does_not_end_is_cut_at_the_bound() -> None:
    (found,) = translate_texts([a_copier(never_ends=True)], ["ab"])
    (own,) = found.hypotheses
    assert own.cut
    assert len(own.symbols) == 2 * 2 + 50
    assert log(own.probability) == pytest.approx(54 * log(0.8))
    # With a wider beam the search comes upon targets that do end, though they are less likely.
    (found,) = translate_texts([a_copier(never_ends=True)], ["ab"], beam=6)
    assert not found.hypotheses[0].cut


def test_features_are_read_after_the_source() -> None:
    rules = PairRules(Layout("tsv", features=(3,)))
    model = TranslateModel(a_config(features=3), a_copier().network, SOURCE, TARGET, rules)
    examples = model.encode(["ab"], [["V;PST"]])
    assert examples.ids.tolist() == [0, 1, SOURCE.last_id, SOURCE.last_id]  # tags that it does not know


def test_models_that_cannot_vote_are_refused() -> None:
    own = a_copier()
    others: dict[str, Any] = {
        "the same symbols": TranslateModel(own.config, own.network, SOURCE, Symbols(("A",)), own.rules),
        "the same columns": a_copier(rules=PairRules(Layout("tsv", features=(3,)))),
        "write a text": object(),
    }
    for reason, other in others.items():
        with pytest.raises(CheckpointError, match=reason):
            check_writers([own, other])
    with pytest.raises(CheckpointError, match="no model is given"):
        translate_texts([], ["a"])


def test_memory_bounds_how_many_sources_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model = a_copier()
    examples = model.encode(["a" * k for k in range(1, 30)])
    monkeypatch.setattr(translating, "MAX_BYTES", 3 * model.bytes_each(29, 1))
    rows = [*translating.source_batches([model], [examples], 1)]
    assert [len(own) for own in rows] == [3] * 9 + [2]
    assert np.concatenate(rows).tolist() == [*range(28, -1, -1)]
