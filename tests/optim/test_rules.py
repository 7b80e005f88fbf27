"""Optimizers, clipping and schedules: the update rules of torch.optim, and closed forms."""

import math
from itertools import pairwise

import numpy as np
import pytest

from charrnn.optim import rules
from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import RULES, Hyper, Optimizer
from charrnn.optim.schedules import Plateau, rate_share

PRECISIONS = {"float32": 1e-6, "float64": 1e-13}


# -- update rules -------------------------------------------------------------------------------------------------


def check_optimizer(name, record, precision):
    """Take the steps of a record from fixtures/make_torch_fixture.py, and compare the values after each."""
    scalars = {key: float(record[key]) for key in ("momentum", "rho", "epsilon", "weight_decay")}
    hyper = Hyper(betas=tuple(record["betas"].tolist()), **scalars)
    path, grads = record["path"], record["grads"].astype(precision)
    values = path[0].astype(precision)
    optimizer = Optimizer(name, values, hyper)
    for t, rate in enumerate(record["rates"].tolist(), 1):
        optimizer.step(values, grads[t - 1].copy(), rate, t)
        assert np.abs(values - path[t]).max() <= PRECISIONS[precision] * np.abs(path[t]).max(), f"step {t}"
    assert values.dtype == optimizer.moments.dtype == precision


@pytest.mark.row(16)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("decay", ["plain", "decayed"])
@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_takes_the_stored_steps_of_torch_optim(name, decay, precision, stored):
    check_optimizer(name, stored[f"optimizer {name} {decay}"], precision)


@pytest.mark.row(16)
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_takes_the_steps_of_torch_optim_with_random_constants(name, seed, live):
    for precision in PRECISIONS:
        for decay in (0.0, 10.0 ** -(1 + seed % 4)):
            dtype = getattr(live.torch, precision)
            check_optimizer(name, live.optimizer_record(name, decay, size=200, seed=seed, dtype=dtype), precision)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("block", [1, 7, 100, 101, 1000])
@pytest.mark.parametrize("name", RULES)
def test_where_blocks_are_cut_does_not_change_a_bit(name, block, decay, monkeypatch):
    def run():
        rng = np.random.default_rng(0)
        values = rng.standard_normal(101).astype(np.float32)
        optimizer = Optimizer(name, values, Hyper(weight_decay=decay))
        for t in range(1, 4):
            optimizer.step(values, rng.standard_normal(101).astype(np.float32), 0.01, t)
        return values, optimizer.moments

    whole = run()
    monkeypatch.setattr(rules, "BLOCK_SIZE", block)
    for found, wanted in zip(run(), whole, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", RULES)
def test_a_step_takes_no_memory_of_its_own(name, peak_memory):
    values, grads = np.ones((2, 2 * rules.BLOCK_SIZE + 1), np.float32)
    optimizer = Optimizer(name, values, Hyper(weight_decay=0.1))
    assert peak_memory(lambda: optimizer.step(values, grads, 0.1, 1)) < values[: rules.BLOCK_SIZE].nbytes / 10


@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_continues_from_its_moments_as_if_never_interrupted(name):
    grads = np.random.default_rng(0).standard_normal((4, 9))
    values, optimizer = np.ones(9), Optimizer(name, np.ones(9), Hyper())
    assert not optimizer.moments.any()
    for t in (1, 2):
        optimizer.step(values, grads[t - 1].copy(), 0.1, t)
    again_values, again = values.copy(), Optimizer(name, values, Hyper())
    again.moments[...] = optimizer.moments
    for t in (3, 4):
        optimizer.step(values, grads[t - 1].copy(), 0.1, t)
        again.step(again_values, grads[t - 1].copy(), 0.1, t)
    np.testing.assert_array_equal(again_values, values)


@pytest.mark.parametrize("name", RULES)
def test_a_gradient_of_zero_moves_nothing_at_rest(name):
    values = np.linspace(-1, 1, 5, dtype=np.float32)
    optimizer = Optimizer(name, values, Hyper())
    optimizer.step(values, np.zeros(5, np.float32), 0.1, 1)
    np.testing.assert_array_equal(values, np.linspace(-1, 1, 5, dtype=np.float32))


# -- the norm and clipping ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 101, rules.BLOCK_SIZE, 3 * rules.BLOCK_SIZE + 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_global_norm_is_the_euclidean_norm(size, dtype):
    grads = np.random.default_rng(0).standard_normal(size).astype(dtype)
    assert global_norm(grads) == pytest.approx(np.linalg.norm(grads.astype(np.longdouble)), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-10, 1e10, 1e18, 1e25, 1e35])
def test_the_global_norm_of_tiny_and_huge_float32_gradients_is_exact(scale):
    grads = np.random.default_rng(0).uniform(-scale, scale, 1001).astype(np.float32)
    assert global_norm(grads) == pytest.approx(np.linalg.norm(grads.astype(np.float64)), rel=1e-5, abs=0)


def test_the_global_norm_of_nothing_but_zeros_is_zero():
    assert global_norm(np.zeros(5, np.float32)) == 0


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
def test_the_global_norm_of_a_gradient_that_is_not_finite_is_not_finite(wrong):
    grads = np.ones(2 * rules.BLOCK_SIZE, np.float32)
    grads[-3] = wrong
    assert not math.isfinite(global_norm(grads))
    assert math.isnan(global_norm(grads)) == math.isnan(wrong)


def test_clipping_by_norm_keeps_the_direction():
    grads = np.array([3.0, -4.0])
    assert clip_(grads, global_norm(grads), 1.0, None)
    np.testing.assert_allclose(grads, [0.6, -0.8], rtol=1e-15)


@pytest.mark.parametrize("limits", [(None, None), (5.0, None), (7.0, None), (None, 4.0), (None, 9.0), (5.0, 4.0)])
def test_a_gradient_within_its_limits_is_not_clipped(limits):
    grads = np.array([3.0, -4.0])
    assert not clip_(grads, 5.0, *limits)
    assert grads.tolist() == [3, -4]


@pytest.mark.parametrize("sign", [1, -1])
def test_clipping_by_value_clamps_each_entry(sign):
    grads = sign * np.array([3.0, 0.5, 1.0, 2.0])
    assert clip_(grads, global_norm(grads), None, 1.0)
    assert grads.tolist() == [sign * 1, sign * 0.5, sign * 1, sign * 1]


def test_clipping_by_norm_comes_before_clipping_by_value():
    grads = np.array([30.0, 40.0])
    assert clip_(grads, 50.0, 10.0, 7.0)  # to 6, 8 and then 6, 7
    np.testing.assert_allclose(grads, [6, 7], rtol=1e-15)


@pytest.mark.parametrize("limit", [0.1, 3.0, 1e6])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_clipping_agrees_with_pytorch(limit, precision, live):
    torch = live.torch
    grads = (10 * np.random.default_rng(0).standard_normal(5000)).astype(precision)

    def theirs(clip):
        parameter = torch.nn.Parameter(torch.zeros(grads.size, dtype=getattr(torch, precision)))
        parameter.grad = torch.tensor(grads)
        return clip([parameter], limit), parameter.grad.numpy()

    norm, by_norm = theirs(torch.nn.utils.clip_grad_norm_)
    assert global_norm(grads) == pytest.approx(float(norm), rel=1e-6)
    found = grads.copy()
    assert clip_(found, global_norm(grads), limit, None) == (limit < norm)
    np.testing.assert_allclose(found, by_norm, rtol=2e-6)  # PyTorch divides by norm + 1e-6
    _, by_value = theirs(torch.nn.utils.clip_grad_value_)
    found = grads.copy()
    clip_(found, global_norm(grads), None, limit)
    np.testing.assert_array_equal(found, by_value)


# -- schedules ----------------------------------------------------------------------------------------------------


def shares(kind, total=10, steps_per_epoch=2, factor=0.5, start_epoch=2, floor=0.1):
    return [
        rate_share(kind, step, step // steps_per_epoch + 1, total, factor, start_epoch, floor) for step in range(total)
    ]


def test_the_constant_schedule_is_one_everywhere():
    assert shares("constant") == [1.0] * 10


def test_the_exponential_schedule_multiplies_at_every_epoch_after_the_start():
    assert shares("exponential") == [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert shares("exponential", start_epoch=0)[:2] == [0.5, 0.5]


@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("total", [2, 3, 10, 1001])
def test_the_cosine_schedule_falls_from_one_to_its_floor_at_the_last_step(total, floor):
    found = shares("cosine", total, floor=floor)
    wanted = [floor + (1 - floor) * math.cos(math.pi * step / (total - 1) / 2) ** 2 for step in range(total)]
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert (found[0], found[-1]) == pytest.approx((1, floor), abs=1e-15)
    assert all(later <= earlier for earlier, later in pairwise(found))


def test_the_cosine_schedule_of_a_single_step_begins_at_the_full_rate():
    assert shares("cosine", 1) == [1.0]


def test_the_cosine_schedule_stays_at_its_floor_after_the_last_step():
    assert rate_share("cosine", 25, 3, 10, 0.5, 2, 0.1) == pytest.approx(0.1)


def test_the_plateau_schedule_cuts_the_rate_after_its_patience_and_waits_anew():
    plateau, rates = Plateau(), []
    for loss in [3.0, 2.0, 2.0, 2.5, 1.9, 1.95, 1.9, 1.9, 1.9, 1.0]:
        plateau.update(loss, factor=0.5, patience=2)
        rates.append(plateau.rate)
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert (plateau.best, plateau.waited) == (1.0, 0)


def test_the_plateau_schedule_with_patience_one_cuts_at_every_evaluation_without_improvement():
    plateau = Plateau()
    for loss in [1.0, 1.0, 2.0, 0.5, 0.5]:
        plateau.update(loss, factor=0.1, patience=1)
    assert plateau.rate == pytest.approx(1e-3)
