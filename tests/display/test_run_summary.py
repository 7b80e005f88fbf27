"""Lines about a run: whether several machines pay."""

from charrnn.display.run_summary import gain_lines
from charrnn.training.gain import Gain


def test_ranks_that_are_slower_than_one_do_not_pay_and_a_larger_batch_is_named():
    gain = Gain(
        ranks=2, alone=20_000, together=16_000, step_chars=3_000, computing=0.0775, exchange=0.1, waiting=0.01,
        bytes_per_second=117e6, latency=50e-6,
    )  # fmt: skip
    exchange, step, ranks = gain_lines(gain)
    assert exchange == "exchange: 100.0 ms a step (117 MB/s to each rank, latency 50 us)"
    assert step == "step: 77.5 ms computing, 100.0 ms exchange, 10.0 ms waiting for other ranks"
    assert ranks.startswith(
        "ranks: a step takes 188 ms, and 150 ms on rank 0 alone, 0.8 times as fast: 2 ranks do not pay"
    )
    assert "train.batch_size or train.seq_length" in ranks
