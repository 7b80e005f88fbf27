"""Writing new text with any language model: text drawn character by character, documents, and the likeliest documents.

It never prints.
"""

from charrnn.generation.documents import Joints, Screen, draw_documents, draw_together, most_in_vain, was_cut
from charrnn.generation.likeliest import SEARCH_BYTES, likeliest_documents
from charrnn.generation.sampling import Options, generate, generate_batch

__all__ = [
    "SEARCH_BYTES",
    "Joints",
    "Options",
    "Screen",
    "draw_documents",
    "draw_together",
    "generate",
    "generate_batch",
    "likeliest_documents",
    "most_in_vain",
    "was_cut",
]
