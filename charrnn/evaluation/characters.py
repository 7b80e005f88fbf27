"""Characters as a reader sees them: ids as text, and a printable name for each id of a vocabulary."""

import numpy as np

from charrnn.arrays import Array
from charrnn.data import END, Vocab
from charrnn.errors import visible

END_MARK = "␃"  # how the end of a document is shown, which no text holds
UNKNOWN = "�"  # the name of what is not in the vocabulary
SYMBOLS = {" ": "␣", "\n": "⏎", "\t": "⇥"}  # names of characters that leave no mark on paper


def shown(vocab: Vocab, ids: Array, escape: bool = False) -> str:
    """Ids (len,) as text to look at.

    Bytes that are not UTF-8 become escapes. With `escape`, control characters and backslashes do so too. END becomes
    END_MARK.
    """
    text = vocab.decode(ids)
    parts = text.split(END) if vocab.end == END else [text]
    return END_MARK.join(_readable(vocab, part, escape) for part in parts)


def _readable(vocab: Vocab, text: str, escape: bool) -> str:
    text = text.replace("\\", "\\\\") if escape else text
    text = vocab.to_bytes(text).decode("utf-8", "backslashreplace") if vocab.tokens == "byte" else text
    return visible(text, keep="") if escape else text


def character_names(vocab: Vocab) -> list[str]:
    """A printable name for each id: the character itself, a symbol for white space, or an escape."""
    names = []
    for k in range(len(vocab.symbols)):
        character = vocab.decode(np.array([k]))
        names.append(SYMBOLS.get(character) or shown(vocab, np.array([k]), escape=character != "\\"))
    return [*names, UNKNOWN] if vocab.has_unknown else names
