"""Runs on several ranks: the launcher, and the mark of tests that need it."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec") or ""
needs_mpi = pytest.mark.skipif(not (MPIEXEC and find_spec("mpi4py")), reason="needs mpi4py and an MPI")
