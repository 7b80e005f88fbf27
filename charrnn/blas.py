"""What this machine computes with: the versions, BLAS kernel and threads that a bug report and a log need.

And one_thread(), under which all of charrnn computes: the products of a recurrent step are too small to share out over
BLAS threads (with another program busy they ran at a quarter of the speed), and results do not depend on their number.
"""

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_info


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries, so once is enough


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limited


@cache
def kernel() -> str:
    """The kernel that NumPy's BLAS library chose for this processor, as OpenBLAS calls it; "unknown" for others."""
    found = _controller().select(user_api="blas").info()
    return str(found[0].get("architecture", "unknown")) if found else "unknown"


def describe() -> dict[str, Any]:
    """NumPy's version, its BLAS library, the kernel that the library chose, and the number of its threads."""
    found: dict[str, Any] = next((info for info in threadpool_info() if info.get("user_api") == "blas"), {})
    return {
        "numpy": np.__version__,
        "blas": f"{found.get('internal_api', 'unknown')} {found.get('version') or ''}".strip(),
        "kernel": str(found.get("architecture", "unknown")),
        "threads": int(found.get("num_threads", 1)),
    }


def sentence() -> str:
    """describe() in one line."""
    d = describe()
    return f"NumPy {d['numpy']}, {d['blas']}, kernel {d['kernel']}, {d['threads']} thread{'s' * (d['threads'] != 1)}"


def forced_kernel() -> str | None:
    """A warning where the environment overrides OpenBLAS's choice of kernel, which can halve its speed."""
    forced = os.environ.get("OPENBLAS_CORETYPE")
    if not forced:
        return None
    return f"OPENBLAS_CORETYPE={forced} overrides the kernel that NumPy would choose; unset it if training is slow"
