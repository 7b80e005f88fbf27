"""The BLAS library that NumPy uses: its kernel, its threads, and the versions that a log and a bug report need.

charrnn computes with one BLAS thread, within one_thread(). The products of a recurrent step are too small to be divided
among threads, and with one thread results do not depend on the number of processors.
"""

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_info


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # inspects all loaded libraries, which is slow


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limited


@cache
def kernel() -> str:
    """OpenBLAS's name of the kernel that it chose for this processor; "unknown" for other BLAS libraries."""
    libraries = _controller().select(user_api="blas").info()
    return str(libraries[0].get("architecture", "unknown")) if libraries else "unknown"


def describe() -> dict[str, Any]:
    """NumPy's version, and name, kernel and number of threads of its BLAS library."""
    library: dict[str, Any] = next((info for info in threadpool_info() if info.get("user_api") == "blas"), {})
    return {
        "numpy": np.__version__,
        "blas": f"{library.get('internal_api', 'unknown')} {library.get('version') or ''}".strip(),
        "kernel": str(library.get("architecture", "unknown")),
        "threads": int(library.get("num_threads", 1)),
    }


def sentence() -> str:
    """describe() in one line."""
    d = describe()
    return f"NumPy {d['numpy']}, {d['blas']}, kernel {d['kernel']}, {d['threads']} thread{'s' * (d['threads'] != 1)}"


def forced_kernel() -> str | None:
    """A warning if the environment overrides OpenBLAS's choice of kernel, which can halve its speed; else None."""
    forced = os.environ.get("OPENBLAS_CORETYPE")
    if not forced:
        return None
    return f"OPENBLAS_CORETYPE={forced} overrides the kernel that NumPy would choose; unset it if training is slow"
