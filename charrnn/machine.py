"""What this machine computes with: the versions, BLAS kernel and threads that a bug report and a log need."""

import os
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info


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
