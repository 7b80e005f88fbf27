"""Memory that several processes see."""

import multiprocessing
import os
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from charrnn.arrays import Array, Shape


@dataclass(frozen=True)
class SharedArray:
    """An array that several processes see: memory with a type and a shape."""

    memory: Any  # a RawArray: the standard library gives its type no public name
    dtype: str
    shape: Shape

    def array(self) -> Array:
        """The array itself, a view of the shared memory."""
        return np.frombuffer(self.memory, self.dtype, int(np.prod(self.shape))).reshape(self.shape)


@dataclass(frozen=True)
class TextFile:
    """A text that every process maps from a file which holds nothing else."""

    path: str
    dtype: str

    def array(self) -> Array:
        """The ids, (len,), mapped."""
        return np.memmap(self.path, self.dtype, "r")


def machine_memory() -> float:
    """The bytes of memory that this machine has; infinite where the system does not say."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else inf


def shared(dtype: str, *shape: int) -> SharedArray:
    """Shared memory, filled with zeros."""
    size = int(np.prod(shape))
    memory = multiprocessing.get_context("spawn").RawArray("b", max(size * np.dtype(dtype).itemsize, 1))
    return SharedArray(memory, dtype, shape)


def shared_copy(array: Array) -> SharedArray:
    """Shared memory that holds a copy of an array."""
    copy = shared(array.dtype.str, *array.shape)
    copy.array()[...] = array
    return copy
