"""Writing text: with any language model drawn character by character, documents, and the likeliest documents; with
translators the targets of sources.

It never prints.
"""

from charrnn.generation.documents import Joints, Screen, draw_documents, draw_together, most_in_vain, was_cut
from charrnn.generation.likeliest import SEARCH_BYTES, likeliest_documents
from charrnn.generation.sampling import Options, generate, generate_batch
from charrnn.generation.translating import (
    MAX_FACTOR,
    MAX_MORE,
    Answer,
    Answers,
    check_writers,
    read_sources,
    source_batches,
    translate,
    translate_texts,
)

__all__ = [
    "MAX_FACTOR",
    "MAX_MORE",
    "SEARCH_BYTES",
    "Answer",
    "Answers",
    "Joints",
    "Options",
    "Screen",
    "check_writers",
    "draw_documents",
    "draw_together",
    "generate",
    "generate_batch",
    "likeliest_documents",
    "most_in_vain",
    "read_sources",
    "source_batches",
    "translate",
    "translate_texts",
    "was_cut",
]
