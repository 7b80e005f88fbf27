"""Counts the molecules (SMILES, one a line, on standard input) whose brackets are balanced and whose rings are closed.

    charrnn sample runs/smiles --num 1000 | python benchmarks/smiles.py

In SMILES (Weininger 1988), parentheses hold branches, square brackets hold an atom with its properties, and a digit, or
% with two digits, opens a ring at its first occurrence and closes it at its second. Digits inside square brackets are
masses, charges and counts, and no rings. Chemistry (valence, aromaticity) is not checked.
"""

import re
import sys
from collections.abc import Iterable

TOKEN = re.compile(r"\[[^][]*\]|%\d\d|.")


def is_balanced(molecule: str) -> bool:
    """Whether every bracket of a molecule is closed, in the right order, and every ring too."""
    depth = 0
    rings: set[str] = set()
    for token in TOKEN.findall(molecule):
        if token in ("[", "]"):
            return False  # one of a pair alone
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
            if depth < 0:
                return False
        elif token.isdigit() or token.startswith("%"):
            rings ^= {token.removeprefix("%").lstrip("0") or "0"}
    return not depth and not rings


def main(lines: Iterable[str]) -> None:
    """Print how many of the lines are balanced, and how many are different."""
    molecules = [line.rstrip("\n") for line in lines]
    good, total = sum(map(is_balanced, molecules)), len(molecules)
    share = good / max(total, 1)
    print(f"{good:,} of {total:,} balanced ({share:.1%}), {len(set(molecules)):,} different")


if __name__ == "__main__":
    main(sys.stdin)
