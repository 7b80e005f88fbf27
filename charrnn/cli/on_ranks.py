"""`charrnn train --mpi`: one of several processes that train one model. Whatever fails on one of them ends all."""

import tempfile
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from time import sleep
from typing import TYPE_CHECKING

from charrnn.cli.endings import explain
from charrnn.terminal import hush

if TYPE_CHECKING:
    from charrnn.config import Config
    from charrnn.parallel import Ranks

REPORT_SECONDS = (
    0.5  # that other ranks leave to rank 0 to report an error that all of them have, such as a wrong config
)


def end_together(ranks: "Ranks", train: Callable[[], int]) -> int:
    """Train, and return the exit code that all ranks have. An error of this rank ends all with its code."""
    try:
        code = train()
        ranks.leave()
        return code
    except BaseException as error:
        if ranks.number:
            sleep(REPORT_SECONDS)
        try:
            code = explain(error)
        except BaseException:
            traceback.print_exc()
            code = 1
        hush()  # MPI would add a line of its own
        ranks.abort(code)
        raise


def train_on_ranks(
    settings: "Config", ranks: "Ranks", *, resume: bool, exact: bool, init_from: str | None, force: bool, quiet: bool
) -> int:
    """Train as one rank of a run; return the exit code. Ranks other than 0 write to a folder that goes with them."""
    from charrnn.cli.following import follow
    from charrnn.storage import RunDirectory
    from charrnn.training import begin_equally, open_run, worker_count

    folder = tempfile.TemporaryDirectory(prefix="charrnn-rank-", ignore_cleanup_errors=True)
    with folder if ranks.number else nullcontext() as scratch:
        if scratch:
            settings = replace(settings, out=scratch)
        if resume:
            begin_equally(RunDirectory(str(settings.out)), ranks)
        run = open_run(settings, resume, init_from, force, worker_count(settings), exact, ranks)
        try:
            return follow(run, quiet or ranks.number > 0, run.state.step if resume else None)
        finally:
            run.close()
