"""The tests, in the folders of the package that they are of.

Tests start hundreds of processes. Each would compile the whole package anew if the environment forbade bytecode files,
as some containers do.
"""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
