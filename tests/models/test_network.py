"""The network: equal to the naive reference, the same however the work is cut, and with no memory but the tape's."""

import pickle
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.arrays import LINE, zeros
from charrnn.config.model_keys import InitConfig, ModelConfig
from charrnn.data.batches import Batch
from charrnn.data.document_batches import DocumentBatches
from charrnn.data.vocab import Vocab
from charrnn.models.network import Network
from charrnn.models.task_network import Task, task_shapes
from charrnn.models.translate_parts import Translation, translate_shapes
from charrnn.nn import heads, products, recurrent
from charrnn.nn.initialise import initialise_
from charrnn.nn.params import Params
from charrnn.nn.products import Tiling
from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import Hyper, Optimizer
from tests.support import naive

CLOSE = {"rtol": 1e-12, "atol": 1e-12}
DEEP = {"hidden_size": 3, "num_layers": 3, "embedding_size": 4}


def window(rng, length, streams, vocab_size=5):
    ids = rng.integers(0, vocab_size, (length + 1, streams))
    return Batch(ids[:-1], ids[1:], None, length * streams, fresh=False)


def one_stream(batch, n):
    """Stream n of a batch as a batch of its own, whose loss is its part of the mean over the whole."""
    weight = None if batch.weight is None else batch.weight[:, n : n + 1]
    return Batch(batch.x[:, n : n + 1], batch.y[:, n : n + 1], weight, batch.count, batch.fresh)


def owned_arrays(thing, found=None):
    """Every array that owns its memory below an object, by id, whatever holds it."""
    found = {} if found is None else found
    if isinstance(thing, np.ndarray):
        while thing.base is not None:
            thing = thing.base
        found[id(thing)] = thing
    elif isinstance(thing, dict | list | tuple):
        for item in thing.values() if isinstance(thing, dict) else thing:
            owned_arrays(item, found)
    elif is_dataclass(thing):  # with slots, of which some may be unset
        owned_arrays([getattr(thing, field.name, None) for field in fields(thing)], found)
    elif hasattr(thing, "__dict__"):
        owned_arrays(vars(thing), found)
    return found


# -- the reference ------------------------------------------------------------------------------------------------


def test_logits_and_state_are_those_of_the_naive_reference(composition, make_toy):
    toy = make_toy(composition)
    state = toy.start.copy()
    logits = toy.network.feed(toy.full.x, state)
    wanted, wanted_state = naive.run(composition, toy.network.params.value, toy.full.x, toy.start)
    np.testing.assert_allclose(logits, wanted, **CLOSE)
    np.testing.assert_allclose(state, wanted_state, **CLOSE)
    np.testing.assert_allclose(toy.network.predict(state), wanted[-1], **CLOSE)


def test_the_training_loss_is_that_of_the_naive_reference(composition, make_toy):
    toy = make_toy(composition)
    for batch in (toy.full, toy.short):
        loss, state = toy.forward(batch)
        masks = [mask[: len(batch.x)] for mask in toy.tape.stack.masks]
        logits, wanted_state = naive.run(composition, toy.network.params.value, batch.x, toy.start, masks)
        assert loss == pytest.approx(naive.loss(logits, batch.y, batch.weight), rel=1e-12)
        np.testing.assert_allclose(state, wanted_state, **CLOSE)


def test_dropout_zeroes_its_share_between_layers_and_scales_up_the_rest(make_toy):
    toy = make_toy(ModelConfig(cell="gru", hidden_size=20, num_layers=3, dropout=0.3), streams=20, length=20)
    toy.forward(toy.full)
    first, second = toy.tape.stack.masks
    for mask in (first, second):
        np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.7])
        assert (mask == 0).mean() == pytest.approx(0.3, abs=0.03)
        assert mask.mean() == pytest.approx(1, abs=0.04)
    assert (first != second).any()


def test_without_a_generator_nothing_is_dropped(cell, make_toy):
    config = ModelConfig(**cell, **DEEP, dropout=0.4)
    toy, plain = make_toy(config), make_toy(replace(config, dropout=0.0))
    toy.forward(toy.full)  # leaves masks on the tape
    assert toy.network.forward(toy.full, toy.start.copy(), toy.tape) == plain.forward(plain.full)[0]


def test_the_generator_decides_what_is_dropped(make_toy):
    toy = make_toy(ModelConfig(cell="lstm", **DEEP, dropout=0.4))

    def loss(seed):
        return toy.network.forward(toy.full, toy.start.copy(), toy.tape, np.random.default_rng(seed))

    assert loss(1) == loss(1) != loss(2)


# -- documents ----------------------------------------------------------------------------------------------------


def pieces_of(batch, n):
    """Where each document of stream n, or what is left of one, begins and stops in a window."""
    edges = sorted({0, len(batch.x), *np.flatnonzero(batch.begins[:, n]).tolist()})
    return pairwise(edges)


def test_a_window_of_documents_is_each_document_alone(composition, make_toy):
    """Loss, gradient and the state that is left; only what goes on from the window before has a state to begin with."""
    config = replace(composition, dropout=0.0)
    toy, plain = make_toy(config, documents=True), make_toy(config)
    for batch in (toy.full, toy.short):
        loss, state = toy.forward(batch)
        gradient = toy.gradient(batch)
        losses, sum_of_gradients, ends = 0.0, np.zeros_like(gradient), np.zeros_like(state)
        for n in range(batch.x.shape[1]):
            for first, stop in pieces_of(batch, n):
                own = plain.start[:, :, [n]] * (not batch.begins[first, n])
                weight = None if batch.weight is None else batch.weight[first:stop, [n]]
                piece = Batch(batch.x[first:stop, [n]], batch.y[first:stop, [n]], weight, batch.count, fresh=False)
                tape = plain.network.tape(stop - first, 1)
                losses += plain.network.forward(piece, own, tape)
                plain.network.backward(piece, tape)
                sum_of_gradients += plain.network.params.grads
                ends[:, :, [n]] = own
        assert loss == pytest.approx(losses, rel=1e-12)
        np.testing.assert_allclose(gradient, sum_of_gradients, **CLOSE)
        np.testing.assert_allclose(state, ends, **CLOSE)


def random_documents(rng, count=14, vocab_size=5, longest=12):
    """Documents of ids above 0, none empty, of which some are longer than a window."""
    return [rng.integers(1, vocab_size, rng.integers(1, longest)).tolist() for _ in range(count)]


def joined(documents):
    return np.array([symbol for document in documents for symbol in [*document, 0]], np.uint8)


@pytest.mark.parametrize(("streams", "length"), [(1, 5), (3, 100)])
def test_an_epoch_of_documents_has_the_loss_of_each_document_in_plain_loops(composition, make_toy, streams, length):
    """With one stream no document is cut, but many go on from window to window; a long window holds many at once."""
    config = replace(composition, dropout=0.0)
    network, rng = make_toy(config, documents=True).network, np.random.default_rng(3)
    documents = random_documents(rng)
    wanted = sum(naive.document_nats(config, network.params.value, document, 0) for document in documents)
    batches = DocumentBatches(joined(documents), 0, streams, length, seed=1)
    tape, nats = network.tape(length, streams), 0.0
    state = network.stack.state(streams, network.dtype)
    for batch in (batches.window(k, 0, streams, 2) for k in range(len(batches))):
        nats += network.forward(batch, state, tape) * batch.count
    assert nats == pytest.approx(wanted, rel=1e-12)


def test_the_gradient_of_documents_is_the_slope_of_the_loss_in_plain_loops(cell, make_toy):
    config = ModelConfig(**cell, hidden_size=3, num_layers=2, embedding_size=2)
    network, rng = make_toy(config, documents=True).network, np.random.default_rng(3)
    documents = random_documents(rng)
    batch = DocumentBatches(joined(documents), 0, 3, 100, seed=1)[0]
    assert batch.begins.sum() == len(documents)
    tape, direction = network.tape(100, 3), rng.standard_normal(network.size)
    network.forward(batch, network.stack.state(3, network.dtype), tape)
    network.backward(batch, tape)
    slope, values = network.params.grads @ direction, network.params.values.copy()
    sides = []
    for step in (1e-5, -1e-5):
        network.params.values[...] = values + step * direction
        nats = sum(naive.document_nats(config, network.params.value, document, 0) for document in documents)
        sides.append(nats / batch.count)
    assert slope == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6)


def test_the_state_before_a_document_is_what_its_end_leaves(composition, make_toy):
    toy = make_toy(composition, documents=True)
    states = 2 if composition.cell == "lstm" else 1
    zero, end = np.zeros((composition.num_layers, states, 2, 3)), np.zeros((1, 2), int)
    logits, state = naive.run(composition, toy.network.params.value, end, zero)
    start = toy.network.start(2)
    np.testing.assert_allclose(start, state, **CLOSE)
    np.testing.assert_allclose(toy.network.predict(start), logits[-1], **CLOSE)


def test_documents_cannot_begin_inside_a_window_of_a_model_of_streams(make_toy):
    documents, streams = make_toy(ModelConfig(**DEEP), documents=True), make_toy(ModelConfig(**DEEP))
    with pytest.raises(AssertionError, match="no cuts"):
        streams.forward(documents.full)


# -- invariances --------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(data=st.data())
def test_a_text_read_in_pieces_is_the_text_read_at_once(cell, make_toy, data):
    toy = make_toy(ModelConfig(**cell, **DEEP), length=12)
    cuts = sorted(data.draw(st.sets(st.integers(1, 11))))
    whole_state, state = toy.start.copy(), toy.start.copy()
    whole = toy.network.feed(toy.full.x, whole_state).copy()
    pieces = [toy.network.feed(ids, state).copy() for ids in np.split(toy.full.x, cuts)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, **CLOSE)
    np.testing.assert_allclose(state, whole_state, **CLOSE)


@settings(max_examples=20)
@given(data=st.data())
def test_the_loss_of_a_window_is_the_mean_over_its_pieces(cell, make_toy, data):
    toy = make_toy(ModelConfig(**cell, **DEEP), length=12)
    whole, whole_state = toy.forward(toy.full)
    cuts = sorted(data.draw(st.sets(st.integers(1, 11))))
    state, nats = toy.start.copy(), 0.0
    for x, y in zip(np.split(toy.full.x, cuts), np.split(toy.full.y, cuts), strict=True):
        nats += x.size * toy.network.forward(Batch(x, y, None, x.size, fresh=False), state, toy.tape)
    assert nats / toy.full.count == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(state, whole_state, **CLOSE)


def test_a_batch_of_streams_is_the_sum_of_batches_of_one(cell, make_toy):
    toy = make_toy(ModelConfig(**cell, **DEEP), streams=3)
    network, tape = toy.network, toy.network.tape(4, 1)
    for batch in (toy.full, toy.short):
        loss, state = toy.forward(batch)
        gradient = toy.gradient(batch)
        losses, sum_of_gradients = 0.0, np.zeros_like(gradient)
        for n in range(3):
            stream, alone = one_stream(batch, n), toy.start[:, :, n : n + 1].copy()
            losses += network.forward(stream, alone, tape)
            network.backward(stream, tape)
            sum_of_gradients += network.params.grads
            np.testing.assert_allclose(alone, state[:, :, n : n + 1], **CLOSE)
        assert losses == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(sum_of_gradients, gradient, **CLOSE)


def test_targets_of_weight_zero_count_for_nothing(cell, make_toy):
    toy = make_toy(ModelConfig(**cell, **DEEP))
    assert toy.short.weight is not None
    loss, gradient = toy.forward(toy.short)[0], toy.gradient(toy.short)
    other = np.where(toy.short.weight == 0, (toy.short.y + 1) % 5, toy.short.y)
    assert (other != toy.short.y).any()
    moved = replace(toy.short, y=other)
    assert toy.forward(moved)[0] == loss
    np.testing.assert_array_equal(toy.gradient(moved), gradient)


def test_a_short_window_on_a_long_tape_is_the_window_on_a_tape_of_its_own(composition, make_toy):
    toy = make_toy(composition)
    toy.gradient(toy.full)  # leaves its traces on the tape
    long = toy.forward(toy.short)[0], toy.gradient(toy.short)
    toy.tape = toy.network.tape(*toy.short.x.shape)
    short = toy.forward(toy.short)[0], toy.gradient(toy.short)
    assert long[0] == pytest.approx(short[0], rel=1e-12)
    np.testing.assert_allclose(long[1], short[1], **CLOSE)


def test_backward_overwrites_every_gradient(composition, make_toy):
    toy = make_toy(composition)
    first = toy.gradient(toy.full)
    np.testing.assert_array_equal(toy.gradient(toy.full), first)
    toy.network.params.grads[...] = np.nan
    np.testing.assert_array_equal(toy.gradient(toy.full), first)


def test_the_gradient_follows_the_parameters_as_they_change(composition, make_toy):
    toy, fresh = make_toy(composition), make_toy(composition)
    first = toy.gradient(toy.full)
    for params in (toy.network.params, fresh.network.params):
        params.values -= 0.1 * first
    moved = toy.gradient(toy.full)
    assert (moved != first).any()
    np.testing.assert_array_equal(moved, fresh.gradient(fresh.full))


def test_forward_and_backward_leave_the_parameters_and_the_batch_alone(composition, make_toy):
    toy, untouched = make_toy(composition), make_toy(composition)
    toy.gradient(toy.short)
    np.testing.assert_array_equal(toy.network.params.values, untouched.network.params.values)
    for name in ("x", "y", "weight"):
        np.testing.assert_array_equal(getattr(toy.short, name), getattr(untouched.short, name))


def test_evaluating_amid_training_disturbs_nothing(composition, make_toy):
    calm, toy = make_toy(composition), make_toy(composition)
    gradient = calm.gradient(calm.full)

    def evaluate(length, streams):
        other = toy.network.start(streams)
        toy.network.feed(window(np.random.default_rng(1), length, streams).x, other)
        toy.network.predict(other)

    for streams in (1, 3, 7):
        _, state = toy.forward(toy.full)
        kept = state.copy()
        evaluate(9, streams)
        toy.network.backward(toy.full, toy.tape)
        evaluate(11, streams)
        np.testing.assert_array_equal(toy.network.params.grads, gradient)
        np.testing.assert_array_equal(toy.network.params.values, calm.network.params.values)
        np.testing.assert_array_equal(state, kept)


def test_what_feed_reads_next_does_not_depend_on_what_it_read_before(cell, make_toy):
    toy = make_toy(ModelConfig(**cell, **DEEP))
    for length, streams in ((2, 3), (9, 3), (4, 3), (4, 1), (6, 1)):  # its memory grows, suffices, changes shape
        ids, start = window(np.random.default_rng(length), length, streams).x, toy.network.start(streams)
        wanted = make_toy(ModelConfig(**cell, **DEEP)).network.feed(ids, start.copy())
        np.testing.assert_allclose(toy.network.feed(ids, start), wanted, **CLOSE)


def test_reading_on_takes_no_new_memory(cell, make_toy, peak_memory):
    toy = make_toy(ModelConfig(**cell, hidden_size=128, num_layers=2), np.float32, streams=8, length=40)
    toy.network.feed(toy.full.x, toy.start)
    assert peak_memory(lambda: toy.network.feed(toy.full.x, toy.start)) < toy.network.tape_bytes(40, 8, False) / 5


def test_the_state_before_any_character_is_zero_for_each_layer_and_stream(cell, make_toy):
    states = 2 if cell["cell"] == "lstm" else 1
    start = make_toy(ModelConfig(**cell, **DEEP)).network.start(5)
    assert start.shape == (3, states, 5, 3)
    assert not start.any()


# -- memory -------------------------------------------------------------------------------------------------------


def test_float32_stays_float32(composition, make_toy):
    toy = make_toy(composition, np.float32, documents=True)
    for batch in (toy.full, toy.short):
        toy.gradient(batch)
    state = toy.start.copy()
    logits, predicted = toy.network.feed(toy.full.x, state), toy.network.predict(state)
    params, optimizer = toy.network.params, Optimizer("adam", toy.network.params.values, Hyper(weight_decay=0.1))
    optimizer.step(params.values, params.grads, 0.1, 1)
    clip_(params.grads, global_norm(params.grads), 0.01, 0.001)
    kept = owned_arrays([toy.network, toy.start, toy.tape, optimizer]).values()
    assert {array.dtype for array in kept if array.dtype.kind not in "iu"} == {np.dtype(np.float32)}
    assert state.dtype == logits.dtype == predicted.dtype == np.float32
    assert toy.forward(toy.full)[0].dtype == np.float64  # the sum of the loss


def test_float32_agrees_with_float64(composition, make_toy):
    rough, fine = make_toy(composition, np.float32), make_toy(composition, np.float64)
    for batch in (rough.full, rough.short):
        assert rough.forward(batch)[0] == pytest.approx(fine.forward(batch)[0], rel=1e-5)
        wanted = fine.gradient(batch)
        np.testing.assert_allclose(rough.gradient(batch), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.fixture
def in_pieces(monkeypatch):
    """in_pieces(limit): from now on every product is tiled as finely as possible; `limit`, multiply-adds of a tile."""

    def finest(rows, depth, columns, stacked=1):
        return Tiling(rows, depth if depth == columns else stacked, columns) if rows > 1 else Tiling(single=True)

    def patch(limit=60):
        for module in (recurrent, heads):
            monkeypatch.setattr(module, "best_tiling", finest)
        for name, value in {"MAX_UNPACKED_MULTIPLIES": limit, "MIN_TILED_ROWS": 1, "SUM_BLOCK": 1}.items():
            monkeypatch.setattr(products, name, value)

    return patch


@pytest.mark.parametrize("limit", [5, 60])
def test_products_in_pieces_change_no_gradient(composition, make_toy, in_pieces, limit):
    toy = make_toy(composition)
    wanted = [toy.gradient(batch) for batch in (toy.full, toy.short)]
    losses = [toy.forward(batch)[0] for batch in (toy.full, toy.short)]
    in_pieces(limit)
    cut = make_toy(composition)
    assert [cut.forward(batch)[0] for batch in (toy.full, toy.short)] == pytest.approx(losses, rel=1e-13)
    for batch, gradient in zip((toy.full, toy.short), wanted, strict=True):
        np.testing.assert_allclose(cut.gradient(batch), gradient, rtol=1e-10, atol=1e-14)


def test_products_in_pieces_change_no_prediction(composition, make_toy, in_pieces):
    """Neither in a window, nor in shorter ones after it, which use its tape, nor one character at a time."""
    toy = make_toy(composition)
    ids, cuts = np.concatenate([toy.full.x] * 2), [(0, 4), (4, 7), (7, 8)]
    state, other, third = (toy.start.copy() for _ in range(3))
    wanted = [toy.network.feed(ids[begin:end], state).copy() for begin, end in cuts]
    in_pieces()
    cut = make_toy(composition).network
    for (begin, end), logits in zip(cuts, wanted, strict=True):
        np.testing.assert_allclose(cut.feed(ids[begin:end], other), logits, **CLOSE)
    np.testing.assert_allclose(other, state, **CLOSE)
    read = cut.stepper(third)
    for k, logits in enumerate(np.concatenate(wanted)):
        np.testing.assert_allclose(read(ids[k]), logits, **CLOSE)
    np.testing.assert_allclose(third, state, **CLOSE)


def is_a_parameter(array, network):
    """Whether an array is memory of the parameters, which a tape refers to."""
    return np.may_share_memory(array, network.params.values)


def assert_the_formula_holds(toy, training):
    for length, streams in ((4, 3), (1, 1), (7, 2)):
        tape = toy.network.tape(length, streams, training)
        arrays = [array for array in owned_arrays(tape).values() if not is_a_parameter(array, toy.network)]
        held = sum(array.nbytes - LINE for array in arrays)  # to begin at a cache line
        assert held == toy.network.tape_bytes(length, streams, training)
        assert held == tape.stack.nbytes + tape.scores.nbytes


@pytest.mark.parametrize("pieces", [False, True])
def test_the_tape_holds_exactly_the_bytes_of_the_formula(composition, make_toy, in_pieces, pieces):
    if pieces:
        in_pieces()
    for dtype in (np.float32, np.float64):
        toy = make_toy(composition, dtype)
        for training in (True, False):
            assert_the_formula_holds(toy, training)


def test_the_tape_of_documents_holds_one_more_copy_of_the_states_to_train_and_none_to_read(composition, make_toy):
    toy, plain = make_toy(composition, documents=True), make_toy(composition)
    for training in (True, False):
        assert_the_formula_holds(toy, training)
        more = toy.network.tape_bytes(4, 3, training) - plain.network.tape_bytes(4, 3, training)
        assert more == (toy.start.nbytes * 4 if training else 0)


def test_a_step_of_training_keeps_nothing_but_the_tape(composition, make_toy):
    toy = make_toy(composition)
    before = owned_arrays([toy.network, toy.tape]).keys()
    toy.gradient(toy.full)
    grown = owned_arrays([toy.network, toy.tape])
    assert all(grown[new] is toy.full.x for new in grown.keys() - before)  # the ids, for the way back


def test_a_step_on_documents_keeps_where_they_begin_and_nothing_else(composition, make_toy):
    toy = make_toy(composition, documents=True)
    before = owned_arrays([toy.network, toy.tape]).keys()
    toy.gradient(toy.full)
    grown = owned_arrays([toy.network, toy.tape])
    keep = {id(memory.keep.base if memory.keep.base is not None else memory.keep) for memory in toy.tape.stack.layers}
    assert len(keep) == 1
    assert all(grown[new] is toy.full.x or new in keep for new in grown.keys() - before)


@pytest.mark.parametrize("documents", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("embedding_size", [None, 96])
def test_a_step_of_training_allocates_less_than_a_third_of_one_plane(
    cell, embedding_size, dropout, documents, make_toy, peak_memory
):
    """A plane is (T, N, H). What is left: a few rows of each gate; a few numbers per row; NumPy's buffers of 8192."""
    config = ModelConfig(**cell, hidden_size=128, num_layers=2, embedding_size=embedding_size, dropout=dropout)
    toy = make_toy(config, np.float32, vocab_size=8, streams=16, length=48, documents=documents)
    plane = toy.full.x.size * config.hidden_size * toy.network.dtype.itemsize
    params, rng, state = toy.network.params, np.random.default_rng(0), toy.start.copy()
    toy.network.initialise(rng)
    optimizer = Optimizer("adam", params.values, Hyper(weight_decay=0.01))
    assert params.values.nbytes > plane / 3  # so that a copy of the parameters would show as well

    def step(t, batch):
        toy.network.forward(batch, state, toy.tape, rng)
        toy.network.backward(batch, toy.tape)
        assert clip_(params.grads, global_norm(params.grads), 1e-2, 1e-4)
        optimizer.step(params.values, params.grads, 1e-3, t)

    step(1, toy.full)
    assert peak_memory(lambda: (step(2, toy.full), step(3, toy.short))) < plane / 3


def test_a_network_travels_to_another_process_without_its_memory(make_toy):
    toy = make_toy(ModelConfig(**DEEP))
    network = toy.network
    toy.gradient(toy.full)
    network.feed(toy.full.x, toy.start.copy())
    packed = pickle.dumps(network)
    assert len(packed) < 1.2 * network.params.values.nbytes + 5000
    other = pickle.loads(packed)
    assert np.shares_memory(other.params.value["output_bias"], other.params.values)
    start = network.start(toy.full.x.shape[1])
    np.testing.assert_array_equal(other.feed(toy.full.x, start.copy()), network.feed(toy.full.x, start))


# -- one character at a time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [1, 2])
def test_a_stepper_reads_single_characters_as_the_network_does(composition, make_toy, streams):
    toy = make_toy(composition)
    network, state = toy.network, toy.start[:, :, :streams].copy()
    other = state.copy()
    read = network.stepper(other)
    for characters in toy.full.x[:, :streams]:
        wanted, logits = network.feed(characters[None], state)[0], read(characters)
        np.testing.assert_allclose(logits, wanted, **CLOSE)
        np.testing.assert_allclose(other, state, **CLOSE)
        np.testing.assert_allclose(network.predict(other), logits, **CLOSE)


def test_windows_may_be_read_between_the_characters_of_a_stepper_and_other_texts_beside_it(make_toy):
    toy = make_toy(ModelConfig(**DEEP))
    network, ids = toy.network, np.concatenate([toy.full.x[:, :1]] * 3)
    state, other, third = network.start(1), network.start(1), network.start(1)
    wanted = [network.feed(part, state)[-1].copy() for part in (ids[:1], ids[1:4], ids[4:5])]
    read, read_third = network.stepper(other), network.stepper(third)
    logits = [read(ids[0]).copy()]
    read_third(ids[2])
    logits += [network.feed(ids[1:4], other)[-1].copy(), read(ids[4]).copy()]
    np.testing.assert_allclose(logits, wanted, **CLOSE)


def test_a_stepper_is_the_network_as_it_was(make_toy):
    toy = make_toy(ModelConfig(**DEEP))
    character, steppers = toy.full.x[0, :1], [toy.network.stepper(toy.network.start(1)) for _ in range(2)]
    wanted = steppers[0](character).copy()
    toy.network.params.values[...] = 0
    np.testing.assert_array_equal(steppers[1](character), wanted)


# -- parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(), 0, 5, (3, 7), (2, 0)])
def test_fresh_memory_begins_at_a_cache_line(shape, dtype):
    kept = [zeros(shape, dtype) for _ in range(8)]
    for array in kept:
        assert array.ctypes.data % LINE == 0 or not array.size
        assert (array.shape, array.dtype, array.any()) == (np.zeros(shape).shape, dtype, False)
        array[...] = 1


def test_named_parameters_are_views_of_one_vector_in_the_order_of_their_names():
    params = Params({"a": (2, 3), "b": (4,), "c": (1, 1, 2)})
    assert params.size == params.values.size == params.grads.size == 12
    assert params.values.dtype == params.grads.dtype == np.float32
    for flat, named in ((params.values, params.value), (params.grads, params.grad)):
        assert [view.shape for view in named.values()] == [(2, 3), (4,), (1, 1, 2)]
        for k, view in enumerate(named.values()):
            view[...] = k
        assert flat.tolist() == [0] * 6 + [1] * 4 + [2] * 2
        flat[6] = 7
        assert named["b"][0] == 7
    other = np.arange(12.0)
    params.views(other)["c"][...] = -1
    assert other.tolist() == [*range(10), -1, -1]


def test_parameters_can_lie_in_memory_that_is_given(make_toy):
    config = ModelConfig(cell="gru", **DEEP)
    toy = make_toy(config)
    values, grads = toy.network.params.values.copy(), np.full_like(toy.network.params.grads, np.nan)
    shared = Network(config, toy.network.vocab, np.float64, values, grads)
    assert shared.params.values is values
    shared.forward(toy.full, toy.start.copy(), toy.tape)
    shared.backward(toy.full, toy.tape)
    np.testing.assert_array_equal(grads, toy.gradient(toy.full))


def test_the_parameters_of_a_network_have_the_names_and_shapes_of_its_layers():
    def shapes(**keys):
        return Network(ModelConfig(hidden_size=3, **keys), Vocab("abcde")).params.shapes

    assert shapes(cell="lstm", num_layers=2) == {
        "weight_ih_l0": (4, 5, 3), "weight_hh_l0": (4, 3, 3), "bias_l0": (4, 3),
        "weight_ih_l1": (4, 3, 3), "weight_hh_l1": (4, 3, 3), "bias_l1": (4, 3),
        "output_weight": (3, 5), "output_bias": (5,),
    }  # fmt: skip
    assert shapes(cell="gru", num_layers=1, embedding_size=2) == {
        "embedding": (5, 2), "weight_ih_l0": (3, 2, 3), "weight_hh_l0": (3, 3, 3), "bias_l0": (3, 3),
        "bias_hn_l0": (3,), "output_weight": (3, 5), "output_bias": (5,),
    }  # fmt: skip
    assert shapes(cell="gru", reset="before", num_layers=1).keys() == shapes(cell="rnn", num_layers=1).keys()


# -- initialisation -----------------------------------------------------------------------------------------------


def initialised(seed=0, dtype=np.float32, cell="gru", **init):
    config = ModelConfig(cell=cell, hidden_size=64, num_layers=2, embedding_size=16, init=InitConfig(**init))
    network = Network(config, Vocab("abcdefgh"), dtype)
    network.initialise(np.random.default_rng(seed))
    return network.params


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        ({"scheme": "fan_in"}, 1 / 8),
        ({"scheme": "fan_in", "scale": 2.0}, 1 / 4),
        ({"scheme": "uniform"}, 0.08),
        ({"scheme": "uniform", "scale": 0.5}, 0.5),
    ],
)
def test_uniform_schemes_fill_their_range_and_stay_inside(init, bound):
    for name, value in initialised(**init).value.items():
        assert np.abs(value).max() <= bound, name
        if value.size >= 64:
            assert np.abs(value).max() > 0.9 * bound, name
        if value.size >= 1000:
            assert value.std() == pytest.approx(bound / np.sqrt(3), rel=0.05), name
            assert value.mean() == pytest.approx(0, abs=0.1 * bound), name


@pytest.mark.parametrize(("scale", "deviation"), [(None, 0.08), (0.5, 0.5)])
def test_the_normal_scheme_has_its_deviation_everywhere(scale, deviation):
    for name, value in initialised(scheme="normal", scale=scale).value.items():
        if value.size >= 1000:
            assert value.std() == pytest.approx(deviation, rel=0.05), name
            assert np.abs(value).max() > 2.5 * deviation, name  # no uniform
    assert initialised(scheme="normal", scale=scale).values.all()


@pytest.mark.parametrize(("scale", "factor"), [(None, 1.0), (0.5, 0.5)])
def test_the_orthogonal_scheme_makes_each_recurrent_matrix_orthogonal_and_the_rest_fan_in(scale, factor):
    params = initialised(scheme="orthogonal", scale=scale, dtype=np.float64)
    for name, value in params.value.items():
        if name.startswith("weight_hh"):
            for plane in value:
                np.testing.assert_allclose(plane.T @ plane, factor**2 * np.eye(64), atol=1e-12)
            assert (value[0] != value[1]).any()
        else:
            assert 0 < np.abs(value).max() <= factor / 8, name


@pytest.mark.parametrize(("scale", "deviation"), [(None, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("embedding", [None, 64])
def test_the_one_hot_scheme_gives_rows_that_a_symbol_selects_a_deviation_of_one_and_the_rest_fan_in(
    scale, deviation, embedding
):
    init = InitConfig("one_hot", scale)
    config = ModelConfig(cell="gru", hidden_size=64, num_layers=2, embedding_size=embedding, init=init)
    network = Network(config, Vocab("abcdefghijklmnop"))
    network.initialise(np.random.default_rng(0))
    selected = "embedding" if embedding else "weight_ih_l0"
    for name, value in network.params.value.items():
        if name == selected:
            assert value.std() == pytest.approx(deviation, rel=0.05)
            assert np.abs(value).max() > 2.5 * deviation  # no uniform
        else:
            assert 0 < np.abs(value).max() <= 1 / 8, name


@pytest.mark.parametrize("embedding", [None, 4])
def test_the_one_hot_scheme_knows_the_look_ups_of_both_directions_and_both_sides(embedding):
    config = ModelConfig(hidden_size=64, num_layers=2, embedding_size=embedding, init=InitConfig("one_hot", 100.0))
    for shapes, selected in [
        (task_shapes(config, Task(5, 3)), {"embedding"} if embedding else {"weight_ih_l0", "weight_ih_l0_reverse"}),
        (
            translate_shapes(config, Translation(5, 6)),
            {"encoder_embedding", "decoder_embedding"}
            if embedding
            else {"encoder_weight_ih_l0", "encoder_weight_ih_l0_reverse", "decoder_weight_ih_l0"},
        ),
    ]:
        named = {name: np.zeros(shape) for name, shape in shapes.items()}
        initialise_(named, "one_hot", 100.0, 64, np.random.default_rng(0))
        assert {name for name, value in named.items() if np.abs(value).max() > 1} == selected


@pytest.mark.parametrize("scheme", ["fan_in", "one_hot", "uniform", "normal", "orthogonal"])
@pytest.mark.parametrize("forget_bias", [1.0, 0.0, -2.5])
def test_the_forget_bias_of_an_lstm_is_set_and_no_other(scheme, forget_bias):
    config = ModelConfig(cell="lstm", hidden_size=4, num_layers=3, forget_bias=forget_bias, init=InitConfig(scheme))
    network = Network(config, Vocab("abcde"))
    network.initialise(np.random.default_rng(0))
    for k in range(3):
        i, f, o, g = network.params.value[f"bias_l{k}"]
        assert (f == forget_bias).all()
        for others in (i, o, g):
            assert len(np.unique(others)) == 4
            assert not np.isin(others, [0.0, forget_bias]).any()


@pytest.mark.parametrize("scheme", ["fan_in", "one_hot", "uniform", "normal", "orthogonal"])
def test_the_same_seed_gives_the_same_parameters_in_every_precision(cell, scheme):
    first = initialised(0, cell=cell["cell"], scheme=scheme).values
    np.testing.assert_array_equal(initialised(0, cell=cell["cell"], scheme=scheme).values, first)
    np.testing.assert_array_equal(
        initialised(0, np.float64, cell["cell"], scheme=scheme).values.astype(np.float32), first
    )
    assert (initialised(1, cell=cell["cell"], scheme=scheme).values != first).mean() > 0.9
