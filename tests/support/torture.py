"""What must never fail, as a table: which tests make a row of it, how much they try, and what came of it.

The tests of a row carry the mark `row`; in the suite they try a little, and `make torture` lets the same tests try all
that the table promises, and prints it. TORTURE=0.1 tries a tenth of that; `--row N` runs the tests of one row alone.
"""

import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

SHARE = float(os.environ.get("TORTURE", "0"))  # of the volume on demand; 0: the volume of the suite
ROWS = {
    1: "kill -9 at random moments, resume: the unbroken run, byte for byte",
    2: "every call of a save fails in turn: a good checkpoint, one line, exit 1",
    3: "resume from every step of a run, each cell: 0 differing bytes",
    4: "1, 2 and 4 workers, other surroundings: identical bytes",
    5: "every bit flip and truncation of a checkpoint: rejected or identical",
    6: "fuzzing the loader: one error type, 128 MB, 1 s",
    7: "bombs: none accepted, memory within twice the file and 64 MB",
    8: "code and escape sequences in any file: nothing runs, nothing shows raw",
    9: "malformed configs: every fault named with its place; typos mended",
    10: "corpora of every kind: trained on, or refused by name",
    11: "full disk, read-only or vanished folder, odd paths: one line, nothing lost",
    12: "SIGINT, SIGTERM, SIGHUP at random moments: saved and gone, byte for byte",
    13: "ten trainers at once: one runs; reads during saves: all whole",
    14: "divergence: exit 4 in its step, the last checkpoint finite; rollback",
    15: "gradient check of every cell and composition: 1e-9",
    16: "parity with PyTorch: logits, gradients, optimizer steps",
    17: "a corpus of 1 GB: anonymous memory within 256 MB of the model",
    18: "closed pipes and streams, narrow and dumb terminals, locales: no traceback",
    19: "a rank killed, stopped or failing, a cable pulled: all end in time",
}


def volume(suite: int, on_demand: int) -> int:
    """How much a test tries: `suite` with all other tests, `on_demand` in `make torture`."""
    return max(1, round(on_demand * SHARE)) if SHARE else suite


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """tried(n): a test that tries many things says how many; one that does not counts as one."""
    return lambda count: request.node.user_properties.append(("tried", count))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--row", action="append", type=int, default=[], help="Only the tests of this row of the table.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(*numbers): the rows of the table (torture.py) to which a test belongs.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the rows of each test, and leave out what was not asked for."""
    wanted = set(config.getoption("--row") or (ROWS if SHARE else ()))
    for item in items:
        rows = [row for mark in item.iter_markers("row") for row in mark.args]
        item.user_properties.extend(("row", row) for row in rows)
    if wanted:
        chosen = {id(item): wanted & {row for name, row in item.user_properties if name == "row"} for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not chosen[id(item)]])
        items[:] = [item for item in items if chosen[id(item)]]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table."""
    asked = config.getoption("--row")
    if not (asked or SHARE):
        return
    tried, failed, seconds, skipped = (defaultdict[int, float](float) for _ in range(4))
    for outcome, reports in terminalreporter.stats.items():
        for report in reports if outcome in ("passed", "failed", "error", "skipped") else ():
            properties = [tuple(pair) for pair in getattr(report, "user_properties", [])]
            counts = [count for name, count in properties if name == "tried"]
            for row in (row for name, row in properties if name == "row"):
                seconds[row] += report.duration
                if outcome == "skipped":
                    skipped[row] += 1
                elif report.when == "call" or outcome == "error":
                    tried[row] += sum(counts) if counts else 1
                    failed[row] += outcome != "passed"
    write = terminalreporter.write_line
    write(f"\n{'row':>3}  {'what':<72} {'tried':>9} {'failed':>6} {'skipped':>7} {'seconds':>7}")
    for row in asked or ROWS:
        numbers = f"{tried[row]:>9,.0f} {failed[row]:>6.0f} {skipped[row]:>7.0f} {seconds[row]:>7.0f}"
        write(f"{row:>3}  {ROWS[row]:<72} {numbers}")
