"""Beam search for many sources: against all sequences of small random chains, and against the same in plain loops."""

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.generation.beams import Hypothesis, beam_search

STATES = 11
END = 2  # of three symbols
SIZES = st.integers(0, 2**32 - 1)


@dataclass
class Chain:
    """A writer whose state is a number; it says what comes next, and reading a symbol turns it into another one."""

    table: Array  # (STATES, U) ln p
    states: Array  # (n * B,)
    steps: list[int] = field(default_factory=list)  # how many beginnings each step read

    def step(self, ids: Array) -> Array:
        self.steps.append(len(ids))
        self.states = (self.states * 3 + ids + 1) % STATES
        return self.table[self.states]

    def select(self, sources: Array | None, rows: Array) -> None:
        self.states = self.states[rows]


def a_chain(seed: int, sources: int) -> Chain:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(END + 1, 0.7), STATES) + 1e-9
    return Chain(np.log(p), rng.integers(0, STATES, sources))


def log_p_of(chain: Chain, source: int, ids: tuple[int, ...], with_end: bool = True) -> float:
    state, total, read = int(chain.states[source]), 0.0, END
    for symbol in (*ids, END) if with_end else ids:
        state = (state * 3 + read + 1) % STATES
        total += float(chain.table[state, symbol])
        read = symbol
    return total


def all_sequences(chain: Chain, source: int, limit: int) -> list[tuple[float, tuple[int, ...]]]:
    """All complete sequences of one source up to a length, the likeliest first."""
    found = [ids for length in range(limit + 1) for ids in product(range(END), repeat=length)]
    return sorted(((log_p_of(chain, source, ids), ids) for ids in found), reverse=True)


def naive_search(chain: Chain, source: int, limit: int, width: int, wanted: int) -> list[Hypothesis]:
    """The search for one source in plain loops."""
    complete: list[tuple[float, tuple[int, ...]]] = []
    beginnings: list[tuple[int, ...]] = [()]
    for step in range(limit + 1):
        longer = [(log_p_of(chain, source, (*ids, k), False), (*ids, k)) for ids in beginnings for k in range(END + 1)]
        longer.sort(key=lambda item: -item[0])
        complete += [(score, ids[:-1]) for score, ids in longer[:width] if ids[-1] == END]
        complete = sorted(complete, reverse=True)[:wanted]
        going = [(score, ids) for score, ids in longer if ids[-1] != END][:width]
        if step == limit and not complete:
            cut = sorted(((log_p_of(chain, source, ids, False), ids) for ids in beginnings), reverse=True)
            return [Hypothesis(ids, score, True) for score, ids in cut[:wanted]]
        if not going or (len(complete) == wanted and complete[-1][0] >= going[0][0]):
            break
        beginnings = [ids for _, ids in going]
    return [Hypothesis(ids, score, False) for score, ids in complete]


def check_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [(own.ids, own.cut) for own in found] == [(own.ids, own.cut) for own in expected]
    np.testing.assert_allclose([own.log_p for own in found], [own.log_p for own in expected], rtol=1e-9)


@given(SIZES, st.lists(st.integers(0, 6), min_size=1, max_size=9), st.integers(1, 5), st.integers(1, 5))
def test_many_sources_give_what_each_gives_in_plain_loops(
    seed: int, limits: list[int], width: int, wanted: int
) -> None:
    width = max(width, wanted)
    chain = a_chain(seed, len(limits))
    expected = [naive_search(chain, k, limit, width, wanted) for k, limit in enumerate(limits)]
    for found, own in zip(beam_search(chain, np.array(limits), width, wanted, END), expected, strict=True):
        check_same(found, own)


@given(SIZES, st.integers(0, 4), st.integers(1, 4))
def test_a_beam_that_holds_everything_finds_the_likeliest_of_all_sequences(seed: int, limit: int, wanted: int) -> None:
    chain = a_chain(seed, 3)
    expected = [all_sequences(chain, k, limit)[:wanted] for k in range(3)]
    for found, own in zip(beam_search(chain, np.full(3, limit), 64, wanted, END), expected, strict=True):
        check_same(found, [Hypothesis(ids, score, False) for score, ids in own])


@given(SIZES)
def test_a_beam_of_one_writes_the_likeliest_symbol_until_it_is_the_end(seed: int) -> None:
    chain = a_chain(seed, 5)
    for k, (found,) in enumerate(beam_search(a_chain(seed, 5), np.full(5, 8), 1, 1, END)):
        state, read, ids = int(chain.states[k]), END, []
        while len(ids) <= 8:
            state = (state * 3 + read + 1) % STATES
            read = int(chain.table[state].argmax())
            if read == END:
                break
            ids.append(read)
        assert (list(found.ids), found.cut) == (ids[:8], len(ids) > 8)


def test_sources_that_are_done_are_left_out() -> None:
    table = np.log(np.full((STATES, END + 1), 0.05))
    table[:, END] = np.log(0.9)  # ends at once
    table[5] = np.log([0.9, 0.05, 0.05])  # goes on for ever
    chain = Chain(table, np.array([1, 2, 3, (5 - END - 1) * pow(3, -1, STATES) % STATES]))
    assert (5 * 3 + 0 + 1) % STATES == 5  # reading the symbol 0 leads from state 5 to itself
    found = beam_search(chain, np.full(4, 20), 1, 1, END)
    assert [own[0].ids for own in found] == [(), (), (), (0,) * 20]
    assert [own[0].cut for own in found] == [False, False, False, True]
    assert chain.steps == [4, *[1] * 20]
